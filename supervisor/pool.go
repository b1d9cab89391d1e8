package supervisor

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// addressState is where the pool's listening socket is. It only moves in a
// circle, in this order; being wanted again does not turn it back.
type addressState int

const (
	addressUnbound   addressState = iota
	addressBinding                // Bind is ordered
	addressBound                  // clients reach it; stays so through every crash
	addressHiding                 // Hide is ordered: the queue is emptied
	addressHidden                 // workers are being stopped
	addressUnbinding              // Unbind is ordered
)

// Why we ended a worker; the label of its exit.
const (
	whyStop         = "stop"
	whyReload       = "reload"
	whyScale        = "scale"
	whyStartTimeout = "start_timeout"
)

// asked says in words why a worker was ended.
var asked = map[string]string{whyStop: "stopped", whyReload: "replaced", whyScale: "no longer wanted"}

// pool is what the loop knows of one pool. What is wanted (up, processes, the
// generation numbers) is changed by commands alone; what is (address, members)
// by facts alone; decide compares the two.
//
// A generation is a candidate until one of its workers is ready: then it becomes
// the generation, and members of an older one are outdated and get replaced. A
// candidate whose worker fails is dropped, and nothing else changes.
type pool struct {
	cfg    PoolConfig
	nextID func() ID
	emit   func(Event)

	up        bool
	halted    bool // it is not up only because the whole supervisor stops
	leaving   bool // the configuration has it no more: it goes when it is stopped
	processes int
	hurry     bool // kill, do not retire

	address addressState
	refused bool // the address could not be bound, the last time: the next attempt waits
	blocked bool // workers of an earlier supervisor have the address, and have to go first

	generation int
	candidate  int  // 0: none
	newest     int  // the highest number given out
	oldest     int  // the lowest that a worker may still be started of
	proven     bool // a worker of the generation has been ready
	swap       swapState
	trial      bool               // the candidate is one worker that answers the probe and goes: see trial.go
	draining   map[int]drainState // generations that were swapped out, and dropped candidates
	atOnce     bool               // outdated members are stopped together, before the new ones start
	reload     *ReloadStatus
	postponed  *renewal // asked for while a candidate is being exposed

	members []*member // in the order of their birth
	slots   []slot    // grows, never shrinks: counters outlive a scale down

	probe probing

	failures    int       // in a row
	retryAt     time.Time // no start before it, while failures > 0
	delay       time.Duration
	strikes     int // unready workers in a row killed from outside
	lastFailure *Failure
	complete    bool // as many ready as wanted, the last time we looked

	starts   uint64
	exits    map[string]uint64
	restarts map[string]uint64
	tally    tallying
	jitter   *rand.Rand
}

func newPool(cfg PoolConfig, seed uint64, nextID func() ID, emit func(Event)) *pool {
	p := &pool{cfg: cfg, nextID: nextID, emit: emit, up: true, processes: cfg.Processes, generation: 1, newest: 1, oldest: 1,
		draining: map[int]drainState{}, exits: map[string]uint64{}, restarts: map[string]uint64{}, jitter: rand.New(rand.NewPCG(seed, 1))}
	p.growSlots()
	return p
}

// configure takes a changed configuration. What is scaled by hand stays so until
// the number of processes in the configuration changes.
func (p *pool) configure(cfg PoolConfig) {
	if cfg.Processes != p.cfg.Processes {
		p.processes, p.complete = cfg.Processes, false
		p.growSlots()
	}
	p.cfg = cfg
}

func (p *pool) growSlots() {
	for len(p.slots) < p.processes {
		p.slots = append(p.slots, slot{status: &SlotStatus{}})
	}
}

// serving counts the ready workers that new clients reach, of whatever generation.
func (p *pool) serving() int {
	n := 0
	for _, m := range p.members {
		if m.phase == PhaseReady && !p.apart(m) {
			n++
		}
	}
	return n
}

// say emits an event about the pool, or about one of its workers.
func (p *pool) say(at time.Time, m *member, e Event) {
	e.At, e.Pool, e.Slot, e.Generation = at, p.cfg.Name, -1, p.generation
	if m != nil {
		e.Slot, e.PID, e.Generation = m.slot, m.pid, m.generation
	}
	p.emit(e)
}

func times(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
