package supervisor

import (
	"context"
	"math/rand/v2"
	"slices"
	"sort"
	"sync/atomic"
	"time"
)

// Supervisor is the loop and the doors to it. Its methods may be called from any
// goroutine; only Run's goroutine touches the fields marked so.
type Supervisor struct {
	executor Executor
	observer func(Event)   // told of every event, by the loop: must not block
	inbox    chan message  // never closed
	done     chan struct{} // closed when Run returns
	view     atomic.Pointer[view]

	pools    []*pool // loop only, sorted by name
	frozen   bool    // loop only: nothing is decided
	stopping bool    // loop only: every pool is being wound down for good
	lastID   ID      // loop only
	events   []Event // loop only; published slices of it are never written to again
	lastSeq  uint64  // loop only
	views    uint64  // loop only: how many have been published
	untold   []Event // loop only: recorded since the last decision
}

// batch bounds how many messages are taken before the next decision: 512 workers
// that die together become a few decisions, not 512.
const batch = 256

// keptEvents is how many events can be looked back at.
const keptEvents = 1000

// New makes a supervisor of pools. onEvent is told of every event by the loop
// itself: it must not block.
func New(pools []PoolConfig, executor Executor, onEvent func(Event)) *Supervisor {
	s := &Supervisor{executor: executor, observer: onEvent, inbox: make(chan message, batch), done: make(chan struct{})}
	for _, cfg := range pools {
		s.add(cfg)
	}
	s.publish(time.Now())
	return s
}

func (s *Supervisor) add(cfg PoolConfig) {
	s.pools = append(s.pools, newPool(cfg, rand.Uint64(), s.nextID, s.record))
	sort.Slice(s.pools, func(i, j int) bool { return s.pools[i].cfg.Name < s.pools[j].cfg.Name })
}

// Run is the loop. It returns when ctx has ended and after that the last worker
// has gone and the last address has been given up.
func (s *Supervisor) Run(ctx context.Context) {
	defer close(s.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	cancelled := ctx.Done()
	for {
		s.act(timer)
		if s.stopping && s.ended() {
			return
		}
		for onlyAsked := true; onlyAsked; {
			onlyAsked = false
			select {
			case m := <-s.inbox:
				onlyAsked = s.takeIn(m)
			case <-timer.C:
			case <-cancelled:
				cancelled = nil // seen; a nil channel is never ready
				s.halt()
			}
		}
	}
}

// takeIn applies a message and those behind it. It returns true if it was a question
// and nothing else: publishing after that would have the one who writes down what is
// published ask again.
func (s *Supervisor) takeIn(m message) (onlyAsked bool) {
	m.apply(s)
	if asks(m) && len(s.inbox) == 0 {
		return true
	}
	s.drainInbox()
	return false
}

// asks: the message changes nothing.
func asks(m message) bool {
	switch m.(type) {
	case remember, ping:
		return true
	}
	return false
}

// halt stops every pool for good.
func (s *Supervisor) halt() {
	s.stopping = true
	for _, p := range s.pools {
		p.halted = p.up
		s.stop(p)
	}
}

// drainInbox takes what else has come, up to a batch.
func (s *Supervisor) drainInbox() {
	for range batch {
		select {
		case m := <-s.inbox:
			m.apply(s)
		default:
			return
		}
	}
}

// act decides for every pool, hands the orders on, publishes what is now the case
// and sets the timer.
func (s *Supervisor) act(timer *time.Timer) {
	now := s.now()
	var next time.Time
	var orders []Order
	for _, p := range s.pools {
		if s.frozen {
			break
		}
		d := p.decide(now)
		orders = append(orders, d.orders...)
		if !d.next.IsZero() && (next.IsZero() || d.next.Before(next)) {
			next = d.next
		}
	}
	s.pools = slices.DeleteFunc(s.pools, func(p *pool) bool { return p.leaving && p.state() == Stopped })
	for _, o := range orders {
		s.executor.Do(o)
	}
	s.publish(now)
	for _, e := range s.untold { // last: workers do not wait for the log
		s.observer(e)
	}
	s.untold = s.untold[:0]
	timer.Stop()
	if !next.IsZero() {
		timer.Reset(max(0, next.Sub(now)))
	}
}

// Report tells the loop a fact. It returns false when the loop has ended.
func (s *Supervisor) Report(f Fact) bool { return s.send(f) }

// KillAll ends every worker at once and without regard to requests.
func (s *Supervisor) KillAll() { s.send(killAll{}) }

// Done is closed when the loop has ended.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

func (s *Supervisor) send(m message) bool {
	select {
	case <-s.done: // the inbox may have room all the same
		return false
	default:
	}
	select {
	case s.inbox <- m:
		return true
	case <-s.done:
		return false
	}
}

func (s *Supervisor) now() time.Time { return time.Now() }

func (s *Supervisor) nextID() ID {
	s.lastID++
	return s.lastID
}

// with calls f for the pool with that name, if there is one.
func (s *Supervisor) with(name string, f func(*pool)) {
	for _, p := range s.pools {
		if p.cfg.Name == name {
			f(p)
			return
		}
	}
}

func (s *Supervisor) ended() bool {
	for _, p := range s.pools {
		if len(p.members) > 0 || p.address != addressUnbound {
			return false
		}
	}
	return true
}

// record numbers an event and keeps it; act tells the observer.
func (s *Supervisor) record(e Event) {
	s.lastSeq++
	e.Seq = s.lastSeq
	if len(s.events) >= 2*keptEvents {
		s.events = append([]Event(nil), s.events[keptEvents:]...)
	}
	s.events = append(s.events, e)
	s.untold = append(s.untold, e)
}
