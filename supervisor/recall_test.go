package supervisor

import (
	"errors"
	"testing"
	"time"
)

// Single cases of going on from a memory; what must hold in all of them is in the
// random histories, which have crashes too.

// running is a pool of three that runs, in its first generation.
func runningWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, testConfig(3))
	w.boot()
	w.wants("running 3 of 3, generation 1")
	return w
}

// backOffWorld is a pool of one whose worker has failed, as it is written down.
func backOffWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, testConfig(1))
	w.bind(nil)
	id := inOrder(w.ordered)[0]
	w.start(id)
	w.exit(id, exitOne)
	w.keep()
	return w
}

func TestRecalledPoolGoesOn(t *testing.T) {
	w := runningWorld(t)
	w.keep()
	w.succeed(true)
	w.wants("running 3 of 3, generation 1")
	if len(w.orders) > 0 {
		t.Errorf("orders %+v for a pool to which nothing has happened", w.orders)
	}
}

func TestRecalledCounters(t *testing.T) {
	w := runningWorld(t)
	w.exit(w.in(1), crashed)
	w.boot()
	w.keep()
	delete(w.running, w.in(2)) // ends while nobody looks
	w.succeed(true)
	if w.pool.starts != 5 || w.pool.exits["signal"] != 1 || w.pool.exits["unknown"] != 1 || w.pool.restarts["unknown"] != 1 {
		t.Errorf("%d starts, exits %v, restarts %v", w.pool.starts, w.pool.exits, w.pool.restarts)
	}
	if s := w.pool.slots[1].status; s.Restarts != 1 || s.LastExit.Text() != crashed.Text() {
		t.Errorf("slot 1 remembers %+v", s)
	}
	w.boot()
	w.wants("running 3 of 3, generation 1")
}

// The socket was moved, and that was not written down: clients reach the candidate.
func TestRecalledInTheMomentOfTheSwap(t *testing.T) {
	w := runningWorld(t)
	w.command(func(s *Supervisor) { s.renew(w.pool, ReloadSwap, Command{Trigger: "api"}) })
	w.opened(nil)
	for len(w.ordered) > 0 {
		w.boot()
	}
	w.keep()
	w.clients = w.socket[2]
	w.succeed(true)
	w.wants("running 3 of 3, generation 2")
	if w.pool.draining[1] != drainWaiting || w.pool.reload.Result != "ok" {
		t.Errorf("generation 1 is %v, the reload %+v", w.pool.draining, w.pool.reload)
	}
}

func TestRecalledWithACandidate(t *testing.T) {
	w := runningWorld(t)
	w.command(func(s *Supervisor) { s.renew(w.pool, ReloadSwap, Command{Trigger: "api"}) })
	w.opened(nil)
	w.keep()
	w.start(inOrder(w.ordered)[0])
	w.succeed(true) // one of the candidate's was born
	w.wants("reloading 3 of 3, generation 1")
	w.boot()
	for range 10 {
		w.boot()
		for _, id := range inOrder(w.running) {
			w.becomeReady(id)
		}
	}
	w.exposed(nil)
	w.wants("running 3 of 3, generation 2")
}

func TestRecalledWantedOrNot(t *testing.T) {
	stopped := runningWorld(t)
	stopped.command(func(s *Supervisor) { s.stop(stopped.pool) })
	stopped.keep()
	stopped.succeed(true)
	if stopped.pool.up {
		t.Error("a pool that somebody has stopped runs again")
	}
	ending := runningWorld(t)
	(&Supervisor{pools: []*pool{ending.pool}}).halt()
	ending.step()
	ending.keep()
	ending.clients = 0 // its name is gone
	ending.succeed(true)
	if !ending.pool.up || ending.pool.generation != 2 || !ending.binding {
		t.Errorf("up %v, generation %d: a pool that stopped with its supervisor runs anew", ending.pool.up, ending.pool.generation)
	}
}

func TestRecalledBackOffIsNoLongerThanItWas(t *testing.T) {
	w := backOffWorld(t)
	w.now = w.now.Add(-time.Hour) // the clock is set back
	w.succeed(true)
	if wait := w.pool.retryAt.Sub(w.now); wait > time.Second || w.pool.failures != 1 {
		t.Errorf("next start in %v after %d failures", wait, w.pool.failures)
	}
}

// Workers that fail keep nobody's socket: it is opened anew at once. Only an address
// that was refused waits.
func TestRecalledBackOffKeepsNoAddressFromListening(t *testing.T) {
	w := backOffWorld(t)
	w.succeed(true)
	if !w.binding || w.pool.failures != 1 {
		t.Fatalf("binding: %v, after %d failures", w.binding, w.pool.failures)
	}
	w.bind(errors.New("somebody has it"))
	if w.binding {
		t.Error("tried again without a pause")
	}
	w.pass(w.pool.retryAt.Sub(w.now))
	if !w.binding {
		t.Error("not tried again")
	}
	w.bind(nil)
	if len(w.ordered) == 0 {
		t.Error("no worker is started")
	}
}
