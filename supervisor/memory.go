package supervisor

import (
	"maps"
	"time"

	"fcgi-supervisor/worker"
)

// Memory is what the loop must know to go on where another has ended: it is
// written down while that one lives, and read by its successor. It may be older
// than the last thing that happened; what is the case now is in a Finding.
type Memory struct {
	Stopping bool // all of it, for good
	LastID   ID
	LastSeq  uint64
	Pools    []PoolMemory
}

// PoolMemory is a pool in a Memory. The fields are those of pool.
type PoolMemory struct {
	Name       string
	Up         bool // wanted; so is what stops only because the supervisor does
	Configured int  // processes in the configuration
	Processes  int

	Generation, Candidate, Newest int
	Proven, Swapping, AtOnce      bool
	Trial                         bool
	Reload                        *ReloadStatus

	Failures    int
	RetryAt     time.Time
	Delay       time.Duration
	Strikes     int
	LastFailure *Failure

	ProbeFailures int
	Unhealthy     bool
	LastProbe     *ProbeStatus

	Starts   uint64
	Exits    map[string]uint64
	Restarts map[string]uint64
	Tally    *Tally // nil: written by a version that had none
	Slots    []SlotMemory
	Workers  []WorkerMemory
}

// SlotMemory is a slot in a PoolMemory.
type SlotMemory struct {
	Restarts uint64
	LastExit *worker.Exit
	Owed     string
}

// WorkerMemory is a worker in a PoolMemory.
type WorkerMemory struct {
	ID         ID
	Slot       int
	Generation int
	Phase      Phase
	Why        string
	ByUptime   bool
	PID        int // 0: ordered, and not known to be started
	StartTicks uint64
	OrderedAt  time.Time
	StartedAt  time.Time
	ReadyAt    time.Time
}

// Remember returns what is to be written down now; false: the loop has ended.
func (s *Supervisor) Remember() (Memory, bool) {
	reply := make(chan Memory, 1)
	if !s.send(remember{reply}) {
		return Memory{}, false
	}
	select {
	case m := <-reply:
		return m, true
	case <-s.done:
		return Memory{}, false
	}
}

// remember asks the loop for its Memory.
type remember struct{ reply chan<- Memory }

func (r remember) apply(s *Supervisor) {
	m := Memory{Stopping: s.stopping, LastID: s.lastID, LastSeq: s.lastSeq}
	for _, p := range s.pools {
		m.Pools = append(m.Pools, p.memory())
	}
	r.reply <- m
}

func (p *pool) memory() PoolMemory {
	m := PoolMemory{Name: p.cfg.Name, Up: p.up || p.halted, Configured: p.cfg.Processes, Processes: p.processes,
		Generation: p.generation, Candidate: p.candidate, Newest: p.newest,
		Proven: p.proven, Swapping: p.swapping(), AtOnce: p.atOnce, Trial: p.trial, Reload: p.reload,
		Failures: p.failures, RetryAt: p.retryAt, Delay: p.delay, Strikes: p.strikes, LastFailure: p.lastFailure,
		ProbeFailures: p.probe.failures, Unhealthy: p.probe.unhealthy, LastProbe: p.probe.last,
		Starts: p.starts, Exits: maps.Clone(p.exits), Restarts: maps.Clone(p.restarts), Tally: p.tally.publish()}
	for _, s := range p.slots {
		m.Slots = append(m.Slots, SlotMemory{s.status.Restarts, s.status.LastExit, s.owed})
	}
	for _, w := range p.members {
		m.Workers = append(m.Workers, WorkerMemory{ID: w.id, Slot: w.slot, Generation: w.generation, Phase: w.phase, Why: w.why,
			ByUptime: w.byUptime, PID: w.pid, StartTicks: w.startTicks, OrderedAt: w.orderedAt, StartedAt: w.startedAt, ReadyAt: w.readyAt})
	}
	return m
}

// Finding is what is left of a pool whose supervisor has ended.
type Finding struct {
	Workers  []WorkerMemory // those that live; some may be missing in the PoolMemory
	Bound    bool           // the address is bound: clients reach a socket that we have
	Exposed  []int          // generations with workers on that socket
	Apart    []int          // generations with workers on another
	Hopeless bool           // those others keep us from binding the address, and have to go first
}
