package executor

import (
	"errors"
	"sync"
	"time"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// Bounds of how often a starting worker is looked at: soon while it is young,
// ever more rarely as it grows old, and never once it is ready.
const (
	youngest   = time.Millisecond
	lookSpread = 2 // the pause is half the age
	rarest     = 100 * time.Millisecond
	// grown is the age from which a worker that is not seen waiting is asked
	// whether it is serving already: that costs a question to the kernel.
	grown = 5 * time.Millisecond
	// restShare: after a round of looks it rests nine times as long as that took,
	// so that 512 workers that start together are not kept from starting.
	restShare = 9
)

// looker looks at starting workers until they are ready. Its goroutine sleeps
// when there are none.
type looker struct {
	report func(supervisor.Fact) bool
	wake   chan struct{} // holds one

	// A mutex because drop must know at once whether the worker was still
	// being looked at.
	mu      sync.Mutex
	waiting map[supervisor.ID]*watched
}

// watched is a worker that is not ready yet.
type watched struct {
	pool   string
	id     supervisor.ID
	pid    int
	socket *listen.Socket
	born   time.Time
	next   time.Time
}

func newLooker(report func(supervisor.Fact) bool) *looker {
	return &looker{report: report, wake: make(chan struct{}, 1), waiting: map[supervisor.ID]*watched{}}
}

func (l *looker) add(w watched) {
	w.next = w.born.Add(youngest)
	l.mu.Lock()
	l.waiting[w.id] = &w
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// drop stops looking at a worker and tells whether it was still waiting.
func (l *looker) drop(id supervisor.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, waiting := l.waiting[id]
	delete(l.waiting, id)
	return waiting
}

// run looks until quit is closed.
func (l *looker) run(quit <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Stop()
		begin := time.Now()
		if next, any := l.lookAtDue(); any {
			now := time.Now()
			timer.Reset(max(next.Sub(now), restShare*now.Sub(begin)))
		}
		select {
		case <-timer.C:
		case <-l.wake:
		case <-quit:
			return
		}
	}
}

// lookAtDue looks at those whose time has come; it returns when the next one's
// does.
func (l *looker) lookAtDue() (next time.Time, any bool) {
	due := l.due(time.Now())
	connections := map[*listen.Socket]map[uint64]bool{} // one question a socket and round
	for _, w := range due {
		l.lookAt(w, connections)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiting {
		if !any || w.next.Before(next) {
			next, any = w.next, true
		}
	}
	return next, any
}

func (l *looker) due(now time.Time) []*watched {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []*watched
	for _, w := range l.waiting {
		if !now.Before(w.next) {
			due = append(due, w)
		}
	}
	return due
}

func (l *looker) lookAt(w *watched, connections map[*listen.Socket]map[uint64]bool) {
	ready, err := worker.Waiting(w.pid, w.socket.Inode())
	now := time.Now()
	if err == nil && !ready && now.Sub(w.born) >= grown {
		ready = hasAccepted(w, connections)
	}
	var fact supervisor.Fact
	switch {
	case errors.Is(err, worker.ErrUnknowable):
		fact = supervisor.Unseen{Pool: w.pool, ID: w.id}
	case ready:
		fact = supervisor.Ready{Pool: w.pool, ID: w.id, At: now}
	default:
		pause := max(youngest, min(now.Sub(w.born)/lookSpread, rarest))
		w.next = now.Add(pause)
		return
	}
	if l.drop(w.id) {
		l.report(fact)
	}
}

// hasAccepted: a worker that holds a connection has been ready, though under a
// full queue it may never be seen waiting for one.
func hasAccepted(w *watched, connections map[*listen.Socket]map[uint64]bool) bool {
	open, known := connections[w.socket]
	if !known {
		open, _ = listen.Connections(w.socket)
		connections[w.socket] = open
	}
	if len(open) == 0 {
		return false
	}
	held, err := worker.Held(w.pid, open)
	return err == nil && len(held) > 0
}
