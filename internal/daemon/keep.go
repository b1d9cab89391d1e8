package daemon

import (
	"sync"
	"time"

	"fcgi-supervisor/supervisor"
)

// restShare: after it has written, the keeper rests nine times as long as that
// took, so that pools of 512 workers that start are written down seldom. On a busy
// machine it takes long because others have the processor, which is no reason to
// be late.
const (
	restShare   = 9
	longestRest = 20 * time.Millisecond
)

// tellGrace is how long an answer waits for what it tells to be written down: a scrape
// may take 10 s, and a counter that goes back is worse than a late answer.
const tellGrace = 5 * time.Second

// keeper writes the state down after every change that the loop publishes. Its
// goroutine is ended by the end of the loop; it sleeps while nothing changes.
type keeper struct {
	daemon *Daemon
	path   string
	hurry  chan struct{} // holds one: somebody waits
	done   sync.WaitGroup

	// A mutex: those who wait for the keeper's goroutine, and who keep it from
	// writing, need to know at once.
	mu     sync.Mutex
	paused bool // nothing is written
	begun  int  // times that a write has begun
	kept   kept
	more   chan struct{} // closed when kept changes
}

// kept is what is written down.
type kept struct {
	write   int    // by which write
	number  uint64 // of the view
	counted uint64 // lines; see Daemon.counted
}

func (d *Daemon) newKeeper() *keeper {
	return &keeper{daemon: d, path: statePath(d.runtimeDir()), hurry: make(chan struct{}, 1), more: make(chan struct{})}
}

func (k *keeper) start() { k.done.Go(k.run) }

func (k *keeper) run() {
	failing := false
	for {
		begin := time.Now()
		next, changed := k.begin()
		memory, alive := k.daemon.supervisor.Remember()
		if !alive {
			return
		}
		err := k.write(memory)
		if err != nil && !failing {
			k.daemon.log.Slog().Error("cannot write the state down: a supervisor that starts after a crash of this one will know less", "err", err)
		}
		failing = err != nil
		k.written(next)
		if hurried := k.rest(min(restShare*time.Since(begin), longestRest)); hurried {
			continue
		}
		select {
		case <-changed:
		case <-k.hurry: // lines alone are written down only if somebody has been told of them
		case <-k.daemon.supervisor.Done():
			return
		}
	}
}

// begin says what the write that begins will have written down, at least, and what
// is closed when there is more.
func (k *keeper) begin() (next kept, changed <-chan struct{}) {
	k.mu.Lock()
	k.begun++
	next.write = k.begun
	k.mu.Unlock()
	next.number, changed = k.daemon.supervisor.View()
	next.counted = k.daemon.counted()
	return next, changed
}

func (k *keeper) write(memory supervisor.Memory) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.paused {
		return nil
	}
	return k.daemon.stateNow(memory).write(k.path)
}

// pause keeps what is on the disk now from being replaced, until resume.
func (k *keeper) pause() {
	k.mu.Lock()
	k.paused = true
	k.mu.Unlock()
}

func (k *keeper) resume() {
	k.mu.Lock()
	k.paused = false
	k.mu.Unlock()
}

func (k *keeper) written(next kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = next
	close(k.more)
	k.more = make(chan struct{})
}

// rest pauses; true: somebody waits for the next write, and does not ask twice.
func (k *keeper) rest(pause time.Duration) (hurried bool) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-k.hurry:
		return true
	case <-k.daemon.supervisor.Done():
	}
	return false
}

// sync returns when what is published and counted now is written down: what has been
// told must not be forgotten. It gives up after a while.
func (k *keeper) sync() {
	number, _ := k.daemon.supervisor.View()
	counted := k.daemon.counted()
	k.mu.Lock()
	next := k.begun + 1 // begins later than now
	k.mu.Unlock()
	timer := time.NewTimer(tellGrace)
	defer timer.Stop()
	for {
		k.mu.Lock()
		kept, more := k.kept, k.more
		k.mu.Unlock()
		if kept.number >= number && kept.counted == counted || kept.write >= next {
			return
		}
		select {
		case k.hurry <- struct{}{}:
		default:
		}
		select {
		case <-more:
		case <-timer.C:
			return
		case <-k.daemon.supervisor.Done():
			return
		}
	}
}

// stateNow is what a successor must know.
func (d *Daemon) stateNow(loop supervisor.Memory) *state {
	return &state{Program: d.options.Version, Lineage: d.lineage, Config: d.config(), Loop: loop, Pools: d.executor.Remember(), OwnLost: d.ownLost()}
}

// ownLost counts the lines that our own log has lost, from the first supervisor on.
func (d *Daemon) ownLost() uint64 { return d.lostBefore + d.log.Dropped() }

// counted changes with everything that is counted without the loop.
func (d *Daemon) counted() uint64 { return d.executor.Counted() + d.log.Dropped() }
