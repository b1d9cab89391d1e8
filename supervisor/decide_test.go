package supervisor

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fcgi-supervisor/worker"
)

// Known cases, one a test. What must hold in every history is in
// property_test.go; the loop, its messages and its timer in loop_test.go.

func TestAddressIsBoundFirst(t *testing.T) {
	w := newWorld(t, testConfig(3))
	if len(w.orders) != 1 || !w.binding {
		t.Fatalf("first orders: %v, want Bind alone", w.orders)
	}
	w.bind(nil)
	if w.starts() != 3 {
		t.Fatalf("%d starts, want 3", w.starts())
	}
}

func TestBindIsTriedAgain(t *testing.T) {
	w := newWorld(t, testConfig(1))
	w.bind(errors.New("listen on unix:/run/blog.sock: the folder /run does not exist"))
	w.wants("backoff 0 of 1, generation 1")
	if want := "cannot listen on unix:/run/blog.sock: the folder /run does not exist"; w.pool.lastFailure.Text != want {
		t.Errorf("failure %q, want %q", w.pool.lastFailure.Text, want)
	}
	w.pass(99 * time.Millisecond)
	if w.binding {
		t.Fatal("tried again before the delay has passed")
	}
	w.pass(15 * time.Millisecond)
	if !w.binding {
		t.Fatal("not tried again")
	}
	w.boot()
	w.wants("running 1 of 1, generation 1")
}

func TestUnprovenProgramIsStartedFewTimes(t *testing.T) {
	w := newWorld(t, testConfig(512))
	w.bind(nil)
	if w.starts() != unprovenStarts {
		t.Fatalf("%d starts before one is ready, want %d", w.starts(), unprovenStarts)
	}
	w.start(1)
	w.becomeReady(1)
	if w.starts() != 512-unprovenStarts {
		t.Fatalf("%d starts after the first is ready, want all others", w.starts())
	}
}

func TestReadyWorkerIsReplacedAtOnceHoweverItEnds(t *testing.T) {
	for name, exit := range map[string]worker.Exit{"exit 0": exitZero, "exit 1": exitOne, "signal": crashed, "kill": killed, "oom": killedOOM} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, testConfig(2))
			w.boot()
			for range 10 {
				w.exit(w.in(0), exit)
				if w.starts() != 1 {
					t.Fatalf("%d starts, want 1 at once", w.starts())
				}
				w.boot()
			}
			w.wants("running 2 of 2, generation 1")
			if n := w.pool.slots[0].status.Restarts; n != 10 {
				t.Fatalf("%d restarts counted, want 10", n)
			}
		})
	}
}

func TestKilledBeforeSeenReadyIsNoFailure(t *testing.T) {
	w := newWorld(t, testConfig(1))
	w.boot()
	for range 10 {
		w.exit(w.in(0), killed)
		w.start(w.in(0)) // and killed again before anybody looked
	}
	if w.pool.failures != 0 {
		t.Fatalf("%d failures after kills from outside", w.pool.failures)
	}
}

func TestEndlessKillsAreHeldBack(t *testing.T) {
	w := newWorld(t, testConfig(1))
	w.bind(nil)
	for range maxStrikes + 1 {
		w.exit(w.in(0), killed)
	}
	if w.pool.failures != 1 || w.starts() != 0 {
		t.Fatalf("%d failures, %d starts: a limit that kills every worker makes us spin", w.pool.failures, w.starts())
	}
}

// The acceptance: at most 15 starts in the first 30 s, fewer than 3 a minute
// afterwards, never given up.
func TestProgramThatExitsAtOnce(t *testing.T) {
	for _, processes := range []int{1, 5, 512} {
		w := newWorld(t, testConfig(processes))
		w.bind(nil)
		for w.now.Before(epoch.Add(time.Hour)) {
			for _, id := range inOrder(w.ordered) {
				w.start(id)
				w.exit(id, exitOne)
			}
			if w.next.IsZero() {
				t.Fatal("given up")
			}
			w.pass(w.next.Sub(w.now))
		}
		if n := startsBetween(w, 0, 30*time.Second); n > 15 {
			t.Errorf("%d processes: %d starts in the first 30 s", processes, n)
		}
		for minute := time.Minute; minute < time.Hour; minute += time.Minute {
			if n := startsBetween(w, minute, minute+time.Minute); n > 2 || n < 1 {
				t.Errorf("%d processes: %d starts in the minute after %s", processes, n, minute)
			}
		}
		if f := w.pool.lastFailure; f == nil || !strings.Contains(f.Text, "exit code 1") || len(f.Output) == 0 {
			t.Errorf("the reason and the last lines are not kept: %+v", f)
		}
	}
}

func startsBetween(w *world, from, to time.Duration) int {
	n := 0
	for _, at := range w.startsAt {
		if !at.Before(epoch.Add(from)) && at.Before(epoch.Add(to)) {
			n++
		}
	}
	return n
}

func TestFiveDeathsAreOneFailure(t *testing.T) {
	w := newWorld(t, testConfig(4))
	w.bind(nil)
	for id := ID(1); id <= 4; id++ {
		w.start(id)
	}
	for id := ID(1); id <= 4; id++ {
		w.exit(id, exitOne)
	}
	if w.pool.failures != 1 {
		t.Fatalf("%d failures counted, want 1", w.pool.failures)
	}
	w.pass(time.Second)
	if w.starts() != 1 {
		t.Fatalf("%d starts after a failure, want one at a time", w.starts())
	}
	w.start(w.in(0))
	w.becomeReady(w.in(0))
	if w.starts() != 3 || w.pool.failures != 0 {
		t.Fatalf("%d starts, %d failures after the first ready worker", w.starts(), w.pool.failures)
	}
}

func TestAllKilledTogetherComeBackTogether(t *testing.T) {
	w := newWorld(t, testConfig(64))
	w.boot()
	for slot := range 64 {
		w.pool.exited(w.in(slot), killed) // all before the next decision
	}
	w.step()
	if w.starts() != 64 {
		t.Fatalf("%d starts, want 64", w.starts())
	}
}

func TestStartTimeout(t *testing.T) {
	w := newWorld(t, testConfig(1))
	w.bind(nil)
	w.start(1)
	w.pass(30 * time.Second)
	if !w.stopped[1] || w.starts() != 0 {
		t.Fatalf("killed %v, %d starts: want it killed, and its failure counted before the next", w.stopped[1], w.starts())
	}
	w.exit(1, killed)
	if w.starts() != 0 {
		t.Fatal("started again without a delay")
	}
	if w.pool.failures != 1 || w.pool.exits[whyStartTimeout] != 1 {
		t.Fatalf("failures %d, exits %v", w.pool.failures, w.pool.exits)
	}
}

func TestReadyByUptime(t *testing.T) {
	cfg := testConfig(1)
	cfg.ByUptime = true
	w := newWorld(t, cfg)
	w.bind(nil)
	w.start(1)
	w.pass(999 * time.Millisecond)
	w.wants("starting 0 of 1, generation 1")
	w.pass(time.Millisecond)
	w.wants("running 1 of 1, generation 1")
}

func TestReadyByUptimeWhereTheKernelDoesNotTell(t *testing.T) {
	w := newWorld(t, testConfig(1))
	w.bind(nil)
	w.start(1)
	w.pool.unseen(1)
	w.step()
	if want := epoch.Add(time.Second); !w.next.Equal(want) {
		t.Fatalf("looks again at %v, want %v", w.next, want)
	}
}

func TestRollingRestart(t *testing.T) {
	w := newWorld(t, testConfig(3))
	w.boot()
	w.restart()
	w.wants("reloading 3 of 3, generation 1")
	for round := range 3 {
		if w.starts() != 1 {
			t.Fatalf("round %d: %d starts, want one at a time", round, w.starts())
		}
		old := ID(round + 1)
		next := w.in(round)
		w.start(next)
		if w.stopped[old] {
			t.Fatal("the old worker goes before the new one is ready")
		}
		w.becomeReady(next)
		if !w.stopped[old] {
			t.Fatal("the old worker stays when the new one is ready")
		}
		w.exit(old, exitZero)
	}
	w.wants("running 3 of 3, generation 2")
	if r := w.pool.reload; r.Result != "ok" {
		t.Fatalf("reload ended as %+v", r)
	}
	if w.pool.exits[whyReload] != 3 || len(w.pool.restarts) != 0 {
		t.Fatalf("exits %v, restarts %v", w.pool.exits, w.pool.restarts)
	}
}

func TestBrokenCandidateIsDropped(t *testing.T) {
	w := newWorld(t, testConfig(2))
	w.boot()
	w.restart()
	candidate := w.in(0)
	w.start(candidate)
	w.exit(candidate, exitOne)
	w.wants("running 2 of 2, generation 1")
	r := w.pool.reload
	if r.Result != "failed" || !strings.Contains(r.Text, "exit code 1") || len(r.Output) != 1 {
		t.Fatalf("reload ended as %+v", r)
	}
	w.pass(time.Hour)
	if w.starts() != 0 {
		t.Fatal("a dropped candidate is started again")
	}
}

func TestRestartDuringRestartReplacesTheCandidate(t *testing.T) {
	w := newWorld(t, testConfig(2))
	w.boot()
	w.restart()
	first := w.in(0)
	w.start(first)
	w.restart()
	if !w.stopped[first] {
		t.Fatal("the superseded candidate is left running")
	}
	w.wants("reloading 2 of 2, generation 1")
	w.exit(first, exitZero)
	w.finishRolling()
	w.wants("running 2 of 2, generation 3")
}

// finishRolling starts what is ordered and buries what is ended, until quiet.
func (w *world) finishRolling() {
	w.t.Helper()
	for len(w.ordered)+len(w.stopped) > 0 {
		w.boot()
		for _, id := range inOrder(w.stopped) {
			w.exit(id, exitZero)
		}
	}
}

func TestRestartAllAtOnce(t *testing.T) {
	w := newWorld(t, testConfig(3))
	w.boot()
	w.command(func(s *Supervisor) { s.renew(w.pool, ReloadRestart, Command{}) })
	if len(w.stopped) != 3 || w.starts() != 0 {
		t.Fatalf("%d told to end, %d started", len(w.stopped), w.starts())
	}
	w.exit(1, exitZero)
	w.exit(2, exitZero)
	if w.starts() != 0 {
		t.Fatal("a new worker beside an old one")
	}
	w.exit(3, exitZero)
	if w.starts() != 3 {
		t.Fatalf("%d starts, want 3", w.starts())
	}
	w.boot()
	w.wants("running 3 of 3, generation 2")
}

func (w *world) reload() {
	w.t.Helper()
	w.command(func(s *Supervisor) { s.renew(w.pool, ReloadSwap, Command{}) })
}

func TestSwap(t *testing.T) {
	w := newWorld(t, testConfig(3))
	w.boot()
	w.reload()
	w.opened(nil)
	if w.starts() != 3 {
		t.Fatalf("%d starts on the new socket, want 3", w.starts())
	}
	w.boot()
	w.wants("reloading 3 of 3, generation 1")
	if w.exposing != 2 || len(w.stopped) != 0 {
		t.Fatalf("exposing %d, ended %v: want the new generation exposed and the old one untouched", w.exposing, w.stopped)
	}
	w.exposed(nil)
	w.wants("running 3 of 3, generation 2")
	if len(w.stopped) != 0 || !w.draining[1] {
		t.Fatalf("ended %v, draining %v: the old generation must empty its queue first", w.stopped, w.draining)
	}
	w.drained()
	if len(w.stopped) != 3 {
		t.Fatalf("%d workers told to end, want 3", len(w.stopped))
	}
	for _, id := range inOrder(w.stopped) {
		w.exit(id, exitZero)
	}
	w.wants("running 3 of 3, generation 2")
	if w.pool.reload.Result != "ok" || len(w.pool.draining) != 0 || w.forgotten != 2 {
		t.Fatalf("reload %+v, draining %v, forgotten before %d", w.pool.reload, w.pool.draining, w.forgotten)
	}
}

// Where there is room for one socket apart, the generation before the last goes first.
func TestSwapWaitsForRoom(t *testing.T) {
	cfg := testConfig(2)
	cfg.OneApart = true
	w := newWorld(t, cfg)
	w.boot()
	w.reload()
	w.opened(nil)
	w.boot()
	w.exposed(nil)
	w.reload()
	if w.opening != 0 {
		t.Fatal("a third socket is opened")
	}
	w.wants("reloading 2 of 2, generation 2")
	w.drained()
	w.exit(1, exitZero)
	if w.opening != 0 {
		t.Fatal("a third socket is opened while a worker has the first")
	}
	w.exit(2, exitZero)
	w.opened(nil)
	w.boot()
	w.exposed(nil)
	w.wants("running 2 of 2, generation 3")
}

// Somebody keeps an older socket: the new workers come one by one, after a trial if the
// pool has a probe.
func TestSwapWithoutRoom(t *testing.T) {
	for _, interval := range []time.Duration{0, time.Second} {
		cfg := testConfig(2)
		cfg.OneApart, cfg.Probe.Interval = true, interval
		w := newWorld(t, cfg)
		w.boot()
		w.reload()
		w.openedWith(Opened{Err: errors.New("in use by pid 7"), NoRoom: true})
		if interval > 0 {
			w.opened(nil)
			w.boot()
			if w.exposing != 0 {
				t.Error("a trial is exposed")
			}
			w.probed(nil) // of the generation that serves
			w.probed(nil)
		}
		w.finishRolling()
		w.wants("running 2 of 2, generation " + map[bool]string{false: "2", true: "3"}[interval > 0])
		if w.pool.reload.Result != "ok" {
			t.Errorf("reload %+v", w.pool.reload)
		}
	}
}

// Broken candidates: the old generation never stops serving.
func TestBrokenSwaps(t *testing.T) {
	for name, scene := range map[string]func(*world){
		"no socket":    func(w *world) { w.opened(errors.New("disk full")) },
		"exits":        func(w *world) { w.opened(nil); w.start(w.newest()); w.exit(w.newest(), exitOne) },
		"cannot start": func(w *world) { w.opened(nil); w.exit(w.newest(), worker.Exit{StartErr: "gone"}) },
		"hangs": func(w *world) {
			w.opened(nil)
			w.start(3)
			w.pass(30 * time.Second)
			w.exit(3, killed)
		},
		"dies once ready": func(w *world) {
			w.opened(nil)
			w.start(w.newest())
			w.becomeReady(w.newest())
			w.exit(w.newest(), crashed)
		},
		"no exposure": func(w *world) { w.opened(nil); w.boot(); w.exposed(errors.New("folder gone")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, testConfig(2))
			w.boot()
			w.reload()
			scene(w)
			w.wants("running 2 of 2, generation 1")
			if w.pool.reload.Result != "failed" {
				t.Fatalf("reload %+v", w.pool.reload)
			}
			w.calm()
		})
	}
}

// newest is the worker that was ordered last and lives.
func (w *world) newest() ID {
	ids := append(inOrder(w.ordered), inOrder(w.running)...)
	return slices.Max(ids)
}

func probedConfig(processes int) PoolConfig {
	cfg := testConfig(processes)
	cfg.Probe = Probing{Interval: 10 * time.Second, Failures: 3}
	return cfg
}

func TestProbeProvesTheCandidate(t *testing.T) {
	w := newWorld(t, probedConfig(2))
	w.boot()
	w.probed(nil)
	w.reload()
	w.opened(nil)
	w.boot()
	if !slices.Equal(w.probing, []int{2}) || w.exposing != 0 {
		t.Fatalf("probing %v, exposing %d: want the candidate asked before it is exposed", w.probing, w.exposing)
	}
	w.probed(errors.New("status 500"))
	w.wants("running 2 of 2, generation 1")
	if r := w.pool.reload; r.Result != "failed" || !strings.Contains(r.Text, "status 500") {
		t.Fatalf("reload %+v", r)
	}
	w.calm()
	w.reload()
	w.opened(nil)
	w.boot()
	w.probed(nil)
	if w.exposing != 3 {
		t.Fatal("a candidate that answers is not exposed")
	}
}

func TestProbesInARow(t *testing.T) {
	w := newWorld(t, probedConfig(1))
	w.boot()
	for i, c := range []struct {
		err       error
		saturated bool
		unhealthy bool
	}{
		{err: nil}, {err: errTimeout}, {err: errTimeout}, {err: nil}, {err: errTimeout}, {err: errTimeout},
		{err: errTimeout, saturated: true}, {err: errTimeout, unhealthy: true}, {err: errTimeout, unhealthy: true}, {err: nil},
	} {
		if !slices.Equal(w.probing, []int{1}) {
			t.Fatalf("probe %d is not ordered", i)
		}
		w.probing = nil
		w.pool.probed(Probed{Pool: "blog", Generation: 1, At: w.now, Err: c.err, Saturated: c.saturated})
		w.step()
		if w.pool.probe.unhealthy != c.unhealthy {
			t.Fatalf("after probe %d: unhealthy is %v", i, w.pool.probe.unhealthy)
		}
		if len(w.probing) > 0 || !w.next.Equal(w.now.Add(10*time.Second)) {
			t.Fatalf("the next probe is at %v", w.next)
		}
		w.pass(10 * time.Second)
	}
}

var errTimeout = errors.New("no answer in time")

func TestCrashDuringSwapIsReplaced(t *testing.T) {
	w := newWorld(t, testConfig(2))
	w.boot()
	w.reload()
	w.opened(nil)
	w.exit(1, crashed)
	replaced := false
	for _, o := range w.orders {
		s, ok := o.(Start)
		replaced = replaced || ok && s.Generation == 1 && s.Slot == 0
	}
	if !replaced {
		t.Fatalf("orders %v: a worker of the generation that serves is not replaced", w.orders)
	}
}

func TestLastOfADrainingGenerationIsReplaced(t *testing.T) {
	w := newWorld(t, testConfig(1))
	w.boot()
	w.reload()
	w.opened(nil)
	w.boot()
	w.exposed(nil)
	w.exit(1, crashed)
	if w.starts() != 1 || w.orders[len(w.orders)-1].(Start).Generation != 1 {
		t.Fatalf("orders %v: nobody empties the old queue", w.orders)
	}
}

func TestSwapDuringSwap(t *testing.T) {
	w := newWorld(t, testConfig(2))
	w.boot()
	w.reload()
	w.opened(nil)
	w.boot()
	w.reload() // while the first is being exposed: the rename cannot be called back
	w.exposed(nil)
	w.wants("reloading 2 of 2, generation 2")
	w.calm()
	w.wants("running 2 of 2, generation 3")
}

// Clients may reach it already, so it is no candidate any more that could be dropped.
func TestWorkerThatEndsWhileItsGenerationIsExposed(t *testing.T) {
	w := newWorld(t, testConfig(2))
	w.boot()
	w.reload()
	w.opened(nil)
	w.boot()
	w.exit(w.in(0), exitOne)
	w.exposed(nil)
	w.wants("starting 1 of 2, generation 2")
	w.calm()
	w.wants("running 2 of 2, generation 2")
}

func TestStopWinsOverRestart(t *testing.T) {
	w := newWorld(t, testConfig(2))
	w.boot()
	w.restart()
	w.start(w.in(0))
	w.command(func(s *Supervisor) { s.stop(w.pool) })
	if !w.hiding {
		t.Fatal("the address is not hidden first")
	}
	w.pool.hidden()
	w.step()
	if len(w.stopped) != 3 {
		t.Fatalf("%d workers told to end, want 3", len(w.stopped))
	}
	for _, id := range inOrder(w.stopped) {
		w.exit(id, exitZero)
	}
	if !w.unbinding {
		t.Fatal("the address is kept")
	}
	w.pool.unbound(w.now)
	w.wants("stopped 0 of 2, generation 1")
	if w.pool.reload.Result != "failed" {
		t.Fatalf("the reload's outcome is open: %+v", w.pool.reload)
	}
}

func TestStartDuringStop(t *testing.T) {
	w := newWorld(t, testConfig(1))
	w.boot()
	w.command(func(s *Supervisor) { s.stop(w.pool) })
	w.command(func(s *Supervisor) { s.start(w.pool) })
	w.pool.hidden()
	w.step()
	w.exit(1, exitZero)
	w.pool.unbound(w.now)
	w.step()
	w.boot()
	w.wants("running 1 of 1, generation 1")
}

func TestScaleTouchesOnlyItsSlots(t *testing.T) {
	w := newWorld(t, testConfig(3))
	w.boot()
	w.command(func(s *Supervisor) { s.scale(w.pool, 5) })
	if w.starts() != 2 || len(w.stopped) != 0 {
		t.Fatalf("%d starts, %d ends, want 2 and 0", w.starts(), len(w.stopped))
	}
	w.boot()
	w.command(func(s *Supervisor) { s.scale(w.pool, 1) })
	if w.starts() != 0 || len(w.stopped) != 4 || w.stopped[1] {
		t.Fatalf("ends: %v, want all but worker 1", w.stopped)
	}
}

func TestSecondSignalKills(t *testing.T) {
	w := newWorld(t, testConfig(2))
	w.boot()
	s := &Supervisor{pools: []*pool{w.pool}}
	s.stop(w.pool)
	w.step()
	killAll{}.apply(s)
	w.step()
	kills := 0
	for _, o := range w.orders {
		if _, ok := o.(Kill); ok {
			kills++
		}
	}
	if kills != 2 {
		t.Fatalf("%d kills, want 2: it waits for the queue", kills)
	}
}

func TestUnknownWorkerIsIgnored(t *testing.T) {
	w := newWorld(t, testConfig(1))
	w.boot()
	w.exit(99, crashed)
	w.becomeReady(99)
	w.wants("running 1 of 1, generation 1")
}

func TestBackoffDelay(t *testing.T) {
	for _, c := range []struct {
		n      int
		jitter float64
		want   time.Duration
	}{
		{1, 0, 100 * time.Millisecond}, {2, 0, 200 * time.Millisecond}, {4, 0, 800 * time.Millisecond},
		{1, 1, 110 * time.Millisecond}, {9, 0, 25600 * time.Millisecond}, {10, 0, 30 * time.Second},
		{10, 1, 33 * time.Second}, {100000, 0, 30 * time.Second},
	} {
		if got := backoffDelay(100*time.Millisecond, 30*time.Second, c.n, c.jitter); got != c.want {
			t.Errorf("failure %d, jitter %v: %v, want %v", c.n, c.jitter, got, c.want)
		}
	}
}
