package supervisor

import (
	"time"

	"fcgi-supervisor/worker"
)

// State is what a pool shows of itself.
type State string

// A pool is in exactly one of these; the first that fits, from the top, wins.
const (
	Stopped   State = "stopped"   // not wanted, no process left
	Stopping  State = "stopping"  // not wanted, processes still draining
	Backoff   State = "backoff"   // short of workers, waiting before the next start
	Reloading State = "reloading" // a new generation is proving itself or replacing the old
	Starting  State = "starting"  // short of ready workers
	Running   State = "running"   // as many ready workers as wanted
)

// Phase is where a worker is in its life. It only moves down this list.
type Phase string

const (
	PhaseStarting Phase = "starting" // spawned, not yet seen waiting for a connection
	PhaseReady    Phase = "ready"
	PhaseDraining Phase = "draining" // accepts nothing new, finishes what it began
	PhaseStopping Phase = "stopping" // the stop signal is sent
)

// ID names one worker process; it is never used twice in a supervisor's life.
type ID uint64

// Snapshot is an immutable picture of all pools, published by the loop.
type Snapshot struct {
	At     time.Time
	Ending bool          // the supervisor itself is being stopped
	Pools  []*PoolStatus // sorted by name
}

// Pool finds a pool by name, nil if there is none.
func (s *Snapshot) Pool(name string) *PoolStatus {
	for _, p := range s.Pools {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// PoolStatus is one pool in a Snapshot. Nobody writes to it once published.
type PoolStatus struct {
	Name         string
	State        State
	Listen       string // the address as configured
	Reload       string // swap, rolling or restart
	Wanted       int    // number of workers wanted; 0 when the pool is stopped
	Processes    int    // number of workers wanted while it runs
	Generation   int
	BackoffUntil time.Time     // zero: no back-off
	BackoffDelay time.Duration // the present delay; 0: none
	Failures     int           // workers in a row that never became ready
	LastFailure  *Failure      // why the last one failed; kept after recovery
	LastReload   *ReloadStatus // nil: never reloaded
	Unhealthy    bool          // the probe has failed too often
	LastProbe    *ProbeStatus  // nil: none was answered yet, or none is configured
	Workers      []*WorkerStatus
	Slots        []*SlotStatus // 0..Processes-1: what outlives a pid
	Exits        map[string]uint64
	Restarts     map[string]uint64 // replacements nobody had asked for, by reason
	Starts       uint64
	Tally        *Tally
}

// Ready counts the ready workers.
func (p *PoolStatus) Ready() int {
	n := 0
	for _, w := range p.Workers {
		if w.Phase == PhaseReady {
			n++
		}
	}
	return n
}

// Answers: a new client meets a ready worker, and the probe has not failed too often.
func (p *PoolStatus) Answers() bool { return p.Ready() > 0 && !p.Unhealthy }

// Healthy: it answers, and is not short of anything that it had.
func (p *PoolStatus) Healthy() bool {
	return (p.State == Running || p.State == Reloading) && p.Answers()
}

// WorkerStatus is one live process.
type WorkerStatus struct {
	ID         ID
	Slot       int
	PID        int
	StartTicks uint64 // field 22 of /proc/PID/stat: with PID it names the process
	Generation int
	Phase      Phase
	StartedAt  time.Time
	ReadyAt    time.Time
}

// SlotStatus is what a slot remembers of its earlier workers.
type SlotStatus struct {
	Restarts uint64 // replacements nobody had asked for
	LastExit *worker.Exit
}

// Failure is a worker that never became ready.
type Failure struct {
	At     time.Time
	Slot   int
	Text   string
	Output []string
}

// ReloadStatus is the outcome of the last reload or restart.
type ReloadStatus struct {
	Trigger    string   // signal, api, file, config
	Path       string   // the changed file, if that was the trigger
	Generation int      // the number given to the new generation
	Result     string   // ok, failed; empty while it is under way
	Text       string   // why it failed
	Output     []string // last lines of the worker that made it fail
	At         time.Time
	Took       time.Duration
}

// ProbeStatus is what became of the last probe.
type ProbeStatus struct {
	At        time.Time
	Took      time.Duration
	OK        bool
	Saturated bool   // not answered in time, as were the clients in the queue
	Text      string // why it failed
}
