package supervisor

import (
	"fmt"
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"fcgi-supervisor/worker"
)

// world is what a pool's decisions meet: a clock and an executor that does what
// it is told. It checks at every step what must hold at every step.
//
// Not covered here: the executor, processes and sockets; they have tests of
// their own, and the end-to-end tests see all together.
type world struct {
	t      testing.TB
	pool   *pool
	now    time.Time
	next   time.Time
	lastID ID

	binding, unbinding, hiding bool
	opening, exposing          int          // the generation, 0: none
	answered                   map[int]bool // generations that have answered a probe
	forgotten                  int          // those before it
	probing                    []int        // ordered, not reported
	draining                   map[int]bool // ordered, not reported
	open                       map[int]bool // sockets of generations of their own
	shut                       map[int]bool // those that were closed again
	ordered                    map[ID]Start // not reported started yet
	running                    map[ID]Start // started, not exited
	stopped                    map[ID]bool  // told to end
	socket                     map[int]int  // that workers of each generation are started on
	on                         map[ID]int   // the socket that each worker is on
	clients                    int          // the socket that clients reach
	sockets                    int          // how many there have been
	again                      map[ID]bool  // told to end by an earlier supervisor
	kept                       Memory       // what was written down last
	orders                     []Order      // of the last step
	startsAt                   []time.Time
	events                     []Event
	tally                      *Tally // at the last step
}

var epoch = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func testConfig(processes int) PoolConfig {
	return PoolConfig{Name: "blog", Listen: "unix:/run/blog.sock", Processes: processes, Reload: "rolling",
		MinUptime: time.Second, StartTimeout: 30 * time.Second, StopTimeout: 30 * time.Second,
		Delay: 100 * time.Millisecond, DelayMax: 30 * time.Second}
}

func newWorld(t testing.TB, cfg PoolConfig) *world {
	w := &world{t: t, now: epoch, draining: map[int]bool{}, open: map[int]bool{}, shut: map[int]bool{}, answered: map[int]bool{}, socket: map[int]int{}, on: map[ID]int{}, ordered: map[ID]Start{}, running: map[ID]Start{}, stopped: map[ID]bool{}}
	nextID := func() ID { w.lastID++; return w.lastID }
	w.pool = newPool(cfg, 1, nextID, func(e Event) { w.events = append(w.events, e) })
	w.keep()
	w.step()
	return w
}

// step decides once and takes the orders.
func (w *world) step() {
	w.t.Helper()
	w.again = map[ID]bool{}
	for _, m := range w.pool.members {
		w.again[m.id] = m.endAgain
	}
	d := w.pool.decide(w.now)
	w.next, w.orders = d.next, d.orders
	for _, o := range d.orders {
		w.take(o)
	}
	w.check()
}

func (w *world) take(o Order) {
	w.t.Helper()
	switch o := o.(type) {
	case Bind:
		w.binding = true
		if w.pool.blocked {
			w.t.Fatal("the address is bound while others have it")
		}
	case Hide:
		w.hiding = true
		if w.pool.up {
			w.t.Fatal("the address of a wanted pool is given up")
		}
	case Unbind:
		w.unbinding = true
		if len(w.pool.members) > 0 {
			w.t.Fatal("the address is given up before the last worker has gone")
		}
	case Open:
		if w.pool.cfg.OneApart && !o.Trial && len(w.open) > 0 {
			w.t.Fatalf("a socket for generation %d beside those of %v", o.Generation, w.open)
		}
		w.opening = o.Generation
	case Probe:
		w.probing = append(w.probing, o.Generation)
	case Expose:
		if w.pool.cfg.Probe.Interval > 0 && !w.answered[o.Generation] {
			w.t.Fatalf("generation %d is exposed without an answer to its probe", o.Generation)
		}
		w.exposing = o.Generation
		if n := w.pool.readyIn(o.Generation); n < w.pool.processes {
			w.t.Fatalf("generation %d is exposed with %d of %d workers ready", o.Generation, n, w.pool.processes)
		}
	case Drain:
		w.draining[o.Generation] = true
	case Shut:
		delete(w.open, o.Generation)
		w.shut[o.Generation] = true // if the report that it was opened is still to come
		if len(w.pool.membersOf(o.Generation)) > 0 {
			w.t.Fatalf("the socket of generation %d is closed under its workers", o.Generation)
		}
	case Forget:
		w.forgotten = o.Before
	case Start:
		if o.Generation < w.forgotten {
			w.t.Fatalf("a worker of generation %d is started, which was forgotten", o.Generation)
		}
		w.startsAt = append(w.startsAt, w.now)
		w.ordered[o.ID] = o
		if w.socket[o.Generation] == 0 {
			w.socket[o.Generation] = w.clients
		}
		w.on[o.ID] = w.socket[o.Generation]
		if w.pool.address != addressBound {
			w.t.Fatal("a worker is started before the address is bound")
		}
		if o.Slot >= w.pool.processes {
			w.t.Fatalf("a worker is started in slot %d of %d", o.Slot, w.pool.processes)
		}
	case Stop:
		w.stopped[o.ID] = true
	case Kill:
		w.stopped[o.ID] = true
	}
}

// check holds after every step, whatever the history.
func (w *world) check() {
	w.t.Helper()
	w.checkTally()
	p := w.pool
	for _, o := range w.orders {
		if o, ok := o.(Start); ok && p.failures > 0 && o.Generation == p.generation && p.starting(p.generation) > 1 {
			w.t.Fatalf("%d starts at a time after %d failures", p.starting(p.generation), p.failures)
		}
	}
	if !p.up || p.address != addressBound {
		return
	}
	// A successor may find more, of changes that were not written down.
	if living := p.living(); living > p.processes+1 && w.startsBeside() > 0 {
		w.t.Fatalf("%d workers where %d are wanted", living, p.processes)
	}
	if !p.atOnce {
		for _, o := range w.orders {
			if s, ok := o.(Stop); ok {
				w.checkRetirement(s)
			}
		}
	}
	if p.serving() < p.processes && w.next.IsZero() && len(w.ordered) == 0 && len(w.running) == 0 {
		w.t.Fatal("short of workers, and nothing will ever happen")
	}
	if p.swapping() && w.opening+w.exposing+len(w.probing) == 0 && p.starting(p.candidate) == 0 && p.swap != swapWanted {
		w.t.Fatal("a candidate waits for nothing")
	}
	if empty, _ := p.vacancies(); len(empty) > 0 && w.next.IsZero() && p.starting(p.generation)+p.starting(p.candidate) == 0 && p.outdated() == 0 {
		w.t.Fatalf("slots %v stay empty: no start under way, no time to look again", empty)
	}
}

// checkRetirement: a worker is retired for a reload only when its slot is served
// by one of the new generation, and for scaling only beyond what is wanted.
func (w *world) checkRetirement(s Stop) {
	w.t.Helper()
	m := w.pool.member(s.ID)
	switch {
	case w.again[s.ID]:
	case m.why == whyScale && m.slot < w.pool.processes:
		w.t.Fatalf("worker in slot %d ended for scale, %d are wanted", m.slot, w.pool.processes)
	case m.why == whyReload && w.pool.apart(m):
		if w.pool.draining[m.generation] != drainDone {
			w.t.Fatalf("generation %d is ended before it has drained", m.generation)
		}
	case m.why == whyReload && m.generation < w.pool.generation && !w.pool.covered(m):
		w.t.Fatalf("slot %d loses its worker before a new one is ready", m.slot)
	}
}

// The following report facts and decide once.

func (w *world) bind(err error) {
	w.t.Helper()
	w.binding = false
	if err == nil {
		w.clients = w.newSocket()
	}
	w.pool.bound(w.now, err)
	w.step()
}

func (w *world) start(id ID) {
	w.t.Helper()
	o := w.ordered[id]
	delete(w.ordered, id)
	w.running[id] = o
	w.pool.started(Started{Pool: o.Pool, ID: id, PID: 1000 + int(id), At: w.now})
	w.step()
}

func (w *world) becomeReady(id ID) {
	w.t.Helper()
	w.pool.ready(id, w.now)
	w.step()
}

func (w *world) exit(id ID, e worker.Exit) {
	w.t.Helper()
	e.At = w.now
	delete(w.ordered, id)
	delete(w.running, id)
	delete(w.stopped, id)
	w.pool.exited(id, e)
	w.step()
}

func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	w.step()
}

func (w *world) newSocket() int {
	w.sockets++
	return w.sockets
}

// keep writes down what is remembered.
func (w *world) keep() {
	w.kept = Memory{LastID: w.lastID, Pools: []PoolMemory{w.pool.memory()}}
}

// boot makes every ordered worker start and become ready, until none is ordered.
func (w *world) boot() {
	w.t.Helper()
	if w.binding {
		w.bind(nil)
	}
	for len(w.ordered) > 0 {
		for _, id := range inOrder(w.ordered) {
			w.start(id)
			w.becomeReady(id)
		}
	}
}

// inOrder makes a history the same every time it is played.
func inOrder[V any](m map[ID]V) []ID { return slices.Sorted(maps.Keys(m)) }

// in returns the living worker of the newest generation in a slot.
func (w *world) in(slot int) ID {
	w.t.Helper()
	var id ID
	for _, m := range w.pool.members {
		if m.slot == slot && !m.ending() {
			id = m.id
		}
	}
	if id == 0 {
		w.t.Fatalf("nobody in slot %d", slot)
	}
	return id
}

func (w *world) command(f func(*Supervisor)) {
	w.t.Helper()
	f(&Supervisor{pools: []*pool{w.pool}})
	w.step()
}

func (w *world) restart() {
	w.t.Helper()
	w.command(func(s *Supervisor) { s.renew(w.pool, ReloadRolling, Command{}) })
}

func (w *world) starts() int {
	n := 0
	for _, o := range w.orders {
		if _, ok := o.(Start); ok {
			n++
		}
	}
	return n
}

// startsBeside counts the starts on the socket that clients reach.
func (w *world) startsBeside() int {
	n := 0
	for _, o := range w.orders {
		if o, ok := o.(Start); ok && !w.pool.apart(w.pool.member(o.ID)) {
			n++
		}
	}
	return n
}

// wants asserts the phase of the pool in one line: "running 5 of 5, generation 1".
func (w *world) wants(want string) {
	w.t.Helper()
	p := w.pool
	got := fmt.Sprintf("%s %d of %d, generation %d", p.state(), p.serving(), p.processes, p.generation)
	if got != want {
		w.t.Fatalf("pool is %q, want %q", got, want)
	}
}

// The following report what became of the sockets of generations.

func (w *world) opened(err error) { w.openedWith(Opened{Err: err}) }

func (w *world) openedWith(o Opened) {
	w.t.Helper()
	generation, err := w.opening, o.Err
	w.opening = 0
	if err == nil && !w.shut[generation] {
		w.open[generation] = true
		w.socket[generation] = w.newSocket()
	}
	o.Generation = generation
	w.pool.opened(w.now, o)
	w.step()
}

func (w *world) probed(err error) {
	w.t.Helper()
	generation := w.probing[0]
	w.probing = w.probing[1:]
	if err == nil {
		w.answered[generation] = true
	}
	w.pool.probed(Probed{Pool: "blog", Generation: generation, At: w.now, Err: err})
	w.step()
}

func (w *world) exposed(err error) {
	w.t.Helper()
	generation := w.exposing
	w.exposing = 0
	if err == nil && !w.shut[generation] {
		w.clients = w.socket[generation]
		delete(w.open, generation)
		w.open[w.pool.generation] = true // apart from now on
	}
	w.pool.exposed(w.now, generation, err)
	w.step()
}

func (w *world) drained() {
	w.t.Helper()
	for _, generation := range slices.Sorted(maps.Keys(w.draining)) {
		delete(w.draining, generation)
		w.pool.drained(generation)
	}
	w.step()
}

// Ways to end.
var (
	exitZero  = worker.Exit{Lived: time.Minute}
	exitOne   = worker.Exit{Code: 1, Output: []string{"no module named app"}}
	crashed   = worker.Exit{Signal: syscall.SIGSEGV}
	killed    = worker.Exit{Signal: syscall.SIGKILL}
	killedOOM = worker.Exit{Signal: syscall.SIGKILL, OOM: true}
)
