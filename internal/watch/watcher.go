package watch

import (
	"log/slog"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watcher watches files for any number of Specs. One goroutine, ended by Close,
// owns all that stands below; the methods send it calls.
type Watcher struct {
	changed func(name, path string)
	log     *slog.Logger
	machine machine
	calls   chan func() // never closed
	quit    chan struct{}
	done    sync.WaitGroup

	targets []*target         // in the order of Set
	kernel  *kernel           // nil until something is to be watched
	users   map[string]int    // folders that the kernel watches: for how many targets
	inodes  map[string]uint64 // of those folders
	kinds   map[uint64]string // by device, what eventless said
}

// New starts a watcher without watches. changed is told the name of the watch and
// one path that has changed, relative to Root where it is below it; it is called
// by the watcher's goroutine and must neither block nor call the Watcher. What
// people should know (limits, polling, a suspended watch) goes to log.
func New(changed func(name, path string), log *slog.Logger) *Watcher {
	return newWatcher(changed, log, thisMachine())
}

func newWatcher(changed func(name, path string), log *slog.Logger, m machine) *Watcher {
	w := &Watcher{changed: changed, log: log, machine: m, calls: make(chan func()), quit: make(chan struct{}),
		users: map[string]int{}, inodes: map[string]uint64{}, kinds: map[uint64]string{}}
	w.done.Go(w.run)
	return w
}

// Set replaces what is watched, and returns when it is. A Spec that was there
// before keeps its watches and what it knows of its files; if it was suspended
// it no longer is.
func (w *Watcher) Set(specs []Spec) { w.call(func() { w.set(specs) }) }

// Resume ends the suspension of a watch. What changed in the meantime is not told.
func (w *Watcher) Resume(name string) {
	w.call(func() {
		for _, t := range w.targets {
			if t.spec.Name == name && t.guard.suspended {
				w.resume(t)
			}
		}
	})
}

// Close ends all watches and waits for the goroutine. Calling any method after it
// does nothing.
func (w *Watcher) Close() {
	w.call(func() { close(w.quit) })
	w.done.Wait()
}

// call has f run by the goroutine.
func (w *Watcher) call(f func()) {
	ran := make(chan struct{})
	select {
	case w.calls <- func() { f(); close(ran) }:
		<-ran
	case <-w.quit:
	}
}

// run takes one thing after the other. It is ended by Close.
func (w *Watcher) run() {
	mounted, stop := w.machine.mounts()
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		w.setTimer(timer)
		events, faults := w.channels()
		select {
		case f := <-w.calls:
			f()
		case e := <-events:
			w.event(e)
		case err := <-faults:
			w.fault(err)
		case <-mounted:
			w.mountsChanged()
		case <-timer.C:
			w.tick(time.Now())
		case <-w.quit:
			if w.kernel != nil {
				_ = w.kernel.close()
			}
			return
		}
	}
}

func (w *Watcher) setTimer(timer *time.Timer) {
	var next time.Time
	for _, t := range w.targets {
		next = earlier(next, t.next())
	}
	timer.Stop()
	if !next.IsZero() {
		timer.Reset(max(0, time.Until(next)))
	}
}

// channels are nil, and so never ready, as long as there is no kernel.
func (w *Watcher) channels() (<-chan fsnotify.Event, <-chan error) {
	if w.kernel == nil {
		return nil, nil
	}
	return w.kernel.events, w.kernel.faults
}

func (w *Watcher) set(specs []Spec) {
	old := w.targets
	w.targets = nil
	for _, spec := range specs {
		t := take(&old, spec)
		switch {
		case t == nil:
			t = newTarget(spec)
			t.known = w.look(t)
			t.seen = t.known
		case t.guard.suspended:
			w.resume(t)
		}
		w.targets = append(w.targets, t)
	}
	for _, t := range old {
		w.release(t, nil)
	}
}

// take finds the target that is already there for spec and removes it from list.
func take(list *[]*target, spec Spec) *target {
	for i, t := range *list {
		if t.same(spec) {
			*list = append((*list)[:i:i], (*list)[i+1:]...)
			return t
		}
	}
	return nil
}

func (w *Watcher) resume(t *target) {
	t.guard = guard{}
	t.burst.clear()
	t.known = w.look(t)
	t.seen = t.known
}
