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

// tellGrace is how long an answer waits for what it tells to be written down.
const tellGrace = 500 * time.Millisecond

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
	paused bool          // nothing is written
	number uint64        // of the view that is written down
	more   chan struct{} // closed when number grows
}

func (d *Daemon) newKeeper() *keeper {
	return &keeper{daemon: d, path: statePath(d.runtimeDir()), hurry: make(chan struct{}, 1), more: make(chan struct{})}
}

func (k *keeper) start() { k.done.Go(k.run) }

func (k *keeper) run() {
	failing := false
	for {
		number, changed := k.daemon.supervisor.View()
		begin := time.Now()
		memory, alive := k.daemon.supervisor.Remember()
		if !alive {
			return
		}
		err := k.write(memory)
		if err != nil && !failing {
			k.daemon.log.Slog().Error("cannot write the state down: a supervisor that starts after a crash of this one will know less", "err", err)
		}
		failing = err != nil
		k.written(number)
		k.rest(min(restShare*time.Since(begin), longestRest))
		select {
		case <-changed:
		case <-k.daemon.supervisor.Done():
			return
		}
	}
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

func (k *keeper) written(number uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.number = number
	close(k.more)
	k.more = make(chan struct{})
}

func (k *keeper) rest(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-k.hurry:
	case <-k.daemon.supervisor.Done():
	}
}

// sync returns when what is published now is written down: what has been told
// must not be forgotten. It gives up after a while.
func (k *keeper) sync() {
	wanted, _ := k.daemon.supervisor.View()
	timer := time.NewTimer(tellGrace)
	defer timer.Stop()
	for {
		k.mu.Lock()
		number, more := k.number, k.more
		k.mu.Unlock()
		if number >= wanted {
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
	return &state{Program: d.options.Version, Lineage: d.lineage, Config: d.config(), Loop: loop, Pools: d.executor.Remember()}
}
