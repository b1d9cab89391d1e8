package supervisor

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fcgi-supervisor/worker"
)

// What must hold in every history is checked by world.check after every step;
// this file makes the histories, and checks that each of them ends well once the
// world behaves.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := testConfig(rapid.IntRange(1, 6).Draw(rt, "processes"))
		cfg.ByUptime = rapid.Bool().Draw(rt, "by uptime")
		cfg.OneApart = rapid.Bool().Draw(rt, "one apart")
		if rapid.Bool().Draw(rt, "probed") {
			cfg.Probe = Probing{Interval: 10 * time.Second, Failures: 3}
		}
		w := newWorld(rapidTB{t, rt}, cfg)
		for range rapid.IntRange(1, 120).Draw(rt, "steps") {
			w.disturb(rt)
		}
		w.calm()
	})
}

// rapidTB lets rapid see the failure, so that it can shrink the history.
type rapidTB struct {
	testing.TB
	rt *rapid.T
}

func (r rapidTB) Fatal(args ...any)                 { r.rt.Fatal(args...) }
func (r rapidTB) Fatalf(format string, args ...any) { r.rt.Fatalf(format, args...) }
func (r rapidTB) Logf(format string, args ...any)   { r.rt.Logf(format, args...) }
func (rapidTB) Helper()                             {}

func (w *world) disturb(rt *rapid.T) {
	exits := []worker.Exit{exitZero, exitOne, crashed, killed, killedOOM, {StartErr: "no such file"}}
	switch rapid.IntRange(0, 19).Draw(rt, "what") {
	case 0, 1, 2:
		if id, ok := pick(rt, w.ordered); ok {
			w.start(id)
		}
	case 3, 4:
		if id, ok := pick(rt, w.running); ok {
			w.becomeReady(id)
		}
	case 5:
		if id, ok := pick(rt, w.running); ok {
			before := w.pool.member(id)
			replace := before.phase == PhaseReady && w.pool.up && !w.pool.atOnce && w.pool.failures == 0 &&
				w.pool.address == addressBound && before.slot < w.pool.processes && w.pool.proven && !w.pool.apart(before) && !w.slotShared(before)
			w.exit(id, rapid.SampledFrom(exits[:5]).Draw(rt, "exit"))
			if replace && w.starts() == 0 {
				w.t.Fatalf("slot %d: a ready worker that ended is not replaced at once", before.slot)
			}
		}
	case 6:
		if id, ok := pick(rt, w.ordered); ok {
			w.exit(id, exits[5])
		}
	case 7:
		way := rapid.SampledFrom([]string{ReloadSwap, ReloadRolling, ReloadRestart}).Draw(rt, "way")
		w.command(func(s *Supervisor) { s.renew(w.pool, way, Command{}) })
	case 8:
		w.command(func(s *Supervisor) { s.scale(w.pool, rapid.IntRange(1, 6).Draw(rt, "scale")) })
	case 9:
		w.command(func(s *Supervisor) { s.stop(w.pool) })
	case 10:
		w.command(func(s *Supervisor) { s.start(w.pool) })
	case 11, 13:
		w.socketFact(rt)
	case 14, 15, 16:
		w.keep()
	case 17:
		w.crash(rt)
	case 18, 19:
		for range rapid.IntRange(1, 12).Draw(rt, "well") {
			w.progress()
		}
	case 12:
		w.pass(time.Duration(rapid.IntRange(1, 40_000).Draw(rt, "ms")) * time.Millisecond)
	}
}

// slotShared: somebody else lives in the slot, as in a rolling restart, or is just
// being killed in it for being late.
func (w *world) slotShared(m *member) bool {
	for _, other := range w.pool.members {
		if other != m && other.slot == m.slot && (!other.ending() || other.late()) {
			return true
		}
	}
	return false
}

func (w *world) socketFact(rt *rapid.T) {
	switch {
	case w.binding:
		var err error
		if rapid.Bool().Draw(rt, "port taken") {
			err = errors.New("port taken")
		}
		w.bind(err)
	case w.hiding:
		w.hiding = false
		w.pool.hidden()
		w.step()
	case w.unbinding:
		w.unbind()
	case w.opening > 0:
		err := perhaps(rt)
		w.openedWith(Opened{Err: err, NoRoom: err != nil && w.pool.cfg.OneApart && !w.pool.trial && rapid.Bool().Draw(rt, "no room")})
	case len(w.probing) > 0:
		w.probed(perhaps(rt))
	case w.exposing > 0:
		w.exposed(perhaps(rt))
	case len(w.draining) > 0:
		w.drained()
	}
}

// crash ends the supervisor, whose orders under way may have been carried out or
// not, and lets a successor go on from what was written down last and from what is
// there.
func (w *world) crash(rt *rapid.T) {
	w.t.Helper()
	for _, id := range inOrder(w.ordered) {
		if rapid.Bool().Draw(rt, "born") {
			w.running[id] = w.ordered[id]
		}
	}
	if w.exposing > 0 && rapid.Bool().Draw(rt, "exposed") {
		w.clients = w.socket[w.exposing]
	}
	if w.hiding && rapid.Bool().Draw(rt, "removed") || w.pool.address > addressHiding && rapid.Bool().Draw(rt, "was removed") {
		w.clients = 0
	}
	for _, id := range inOrder(w.running) {
		if rapid.IntRange(0, 4).Draw(rt, "dies") == 0 {
			delete(w.running, id)
		}
	}
	w.succeed(rapid.Bool().Draw(rt, "may take descriptors"))
}

// succeed makes the successor.
func (w *world) succeed(mayTake bool) {
	w.t.Helper()
	cfg := w.pool.cfg
	if !mayTake {
		w.clients = 0
	}
	found := w.find()
	found.Hopeless = !mayTake && !found.Bound
	successor := New([]PoolConfig{cfg}, nil, func(Event) {})
	successor.Recall(w.kept, map[string]Finding{cfg.Name: found}, w.now)
	w.pool = successor.pools[0]
	w.tally = w.kept.Pools[0].Tally // what was told is kept before
	w.pool.nextID, w.pool.emit = func() ID { w.lastID++; return w.lastID }, func(e Event) { w.events = append(w.events, e) }
	w.lastID = successor.lastID
	w.binding, w.unbinding, w.hiding, w.opening, w.exposing, w.forgotten = false, false, false, 0, 0, 0
	clear(w.answered)
	w.probing, w.draining, w.ordered, w.stopped = nil, map[int]bool{}, map[ID]Start{}, map[ID]bool{}
	if !found.Bound {
		w.clients = 0
	}
	w.step()
}

// find is what a look at the processes tells: those that are not written down are
// known by their environment.
func (w *world) find() Finding {
	var f Finding
	known := map[ID]WorkerMemory{}
	for _, m := range w.kept.Pools[0].Workers {
		known[m.ID] = m
	}
	running, socket := map[ID]Start{}, map[int]int{}
	newest := w.lastID
	for _, id := range inOrder(w.running) {
		o := w.running[id]
		m := known[id]
		if m.PID == 0 {
			newest++
			id = newest
			m = WorkerMemory{ID: id, Slot: o.Slot, Generation: o.Generation, Phase: PhaseStarting, PID: 1000 + int(id), OrderedAt: w.now, StartedAt: w.now}
		}
		w.on[id] = w.on[o.ID]
		o.ID = id
		running[id], socket[o.Generation] = o, w.on[id]
		f.Workers = append(f.Workers, m)
	}
	w.running, w.socket = running, socket
	clear(w.open)
	for generation, s := range socket {
		if s == w.clients && s != 0 {
			f.Bound = true
			f.Exposed = append(f.Exposed, generation)
		} else {
			f.Apart = append(f.Apart, generation)
			w.open[generation] = true
		}
	}
	return f
}

func perhaps(rt *rapid.T) error {
	if rapid.IntRange(0, 3).Draw(rt, "fails") == 0 {
		return errors.New("disk full")
	}
	return nil
}

func (w *world) unbind() {
	w.unbinding = false
	w.clients = 0
	clear(w.open)
	w.shut[w.opening], w.shut[w.exposing] = true, true
	clear(w.socket)
	w.pool.unbound(w.now)
	w.step()
}

// calm lets everything that is under way end well; then the pool must be as it is
// wanted to be, in bounded time.
func (w *world) calm() {
	for range 2000 {
		if !w.progress() {
			w.atRest()
			return
		}
	}
	w.t.Fatalf("no rest: %s", w.pool.state())
}

// progress lets one thing that is under way end well; false if nothing is.
func (w *world) progress() bool {
	switch {
	case w.binding:
		w.bind(nil)
	case w.hiding:
		w.hiding = false
		w.pool.hidden()
		w.step()
	case w.unbinding:
		w.unbind()
	case w.opening > 0:
		w.opened(nil)
	case len(w.probing) > 0:
		w.probed(nil)
	case w.exposing > 0:
		w.exposed(nil)
	case len(w.draining) > 0:
		w.drained()
	case len(w.stopped) > 0:
		for _, id := range inOrder(w.stopped) {
			w.exit(id, exitZero)
		}
	case len(w.ordered) > 0:
		w.boot()
	case w.unready() > 0:
		for _, id := range inOrder(w.running) {
			if m := w.pool.member(id); m != nil && m.phase == PhaseStarting {
				w.becomeReady(id)
			}
		}
	case !w.next.IsZero() && !w.next.Equal(w.pool.probe.next): // probes go on for ever
		w.pass(max(0, w.next.Sub(w.now)))
	default:
		return false
	}
	return true
}

// unready counts the workers, of whatever generation, that have only begun.
func (w *world) unready() int {
	n := 0
	for _, m := range w.pool.members {
		if m.phase == PhaseStarting {
			n++
		}
	}
	return n
}

func (w *world) atRest() {
	p := w.pool
	switch state := p.state(); {
	case p.up && state != Running, !p.up && state != Stopped:
		for _, m := range p.members {
			w.t.Logf("%+v", *m)
		}
		w.t.Fatalf("at rest, wanted up %v, but %s with %d of %d ready, generation %d, candidate %d",
			p.up, state, p.serving(), p.processes, p.generation, p.candidate)
	case p.up && (len(p.members) != p.processes || p.outdated() > 0 || p.candidate > 0 || p.reloading()):
		w.t.Fatalf("at rest with %d members for %d slots, %d outdated, candidate %d, reload %+v",
			len(p.members), p.processes, p.outdated(), p.candidate, p.reload)
	}
	if len(p.draining) > 0 || p.swapping() {
		w.t.Fatalf("at rest with generations draining %v, swap %d", p.draining, p.swap)
	}
	seen := map[int]bool{}
	for _, m := range p.members {
		if w.on[m.id] != w.clients {
			w.t.Fatalf("at rest, and clients do not reach the worker in slot %d", m.slot)
		}
		if seen[m.slot] {
			w.t.Fatalf("two workers in slot %d", m.slot)
		}
		seen[m.slot] = true
	}
}

func pick(rt *rapid.T, from map[ID]Start) (ID, bool) {
	ids := inOrder(from)
	if len(ids) == 0 {
		return 0, false
	}
	return rapid.SampledFrom(ids).Draw(rt, "worker"), true
}
