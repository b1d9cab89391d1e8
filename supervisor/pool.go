package supervisor

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"

	"fcgi-supervisor/worker"
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

// member is a worker, from the order to start it until its burial.
type member struct {
	id         ID
	slot       int
	generation int
	phase      Phase
	why        string // we ended it, and why; empty: nobody asked
	byUptime   bool
	endAgain   bool // it was being ended when an earlier supervisor ended
	pid        int
	startTicks uint64
	orderedAt  time.Time
	startedAt  time.Time // zero until Started
	readyAt    time.Time
	published  *WorkerStatus // in the newest picture; never written to
}

// ending members are on their way out and count for nothing.
func (m *member) ending() bool { return m.phase == PhaseDraining || m.phase == PhaseStopping }

// late: it was not ready in time and is being killed. It keeps its place until it
// has gone, which counts as the failure that it is.
func (m *member) late() bool { return m.why == whyStartTimeout }

type slot struct {
	status *SlotStatus // in the newest picture; replaced, never written to
	owed   string      // reason of the end of a worker that has not been replaced yet
}

// maxStrikes bounds how often a worker killed from outside before it was ready
// is replaced at once: somebody's kill -9 is no fault of the worker's, but an
// unseen limit that kills every one of them must not make us spin.
const maxStrikes = 32

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

func (p *pool) member(id ID) *member {
	for _, m := range p.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (p *pool) remove(id ID) {
	for i, m := range p.members {
		if m.id == id {
			p.members = append(p.members[:i], p.members[i+1:]...)
			return
		}
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

func (p *pool) bound(now time.Time, err error) {
	if p.address != addressBinding {
		return
	}
	if err != nil {
		p.address = addressUnbound
		doing := "listen on " + p.cfg.Listen + ": "
		text := "cannot " + doing + strings.TrimPrefix(err.Error(), doing)
		p.say(now, nil, Event{Kind: KindFailed, Bad: true, Text: text})
		p.fail(now, Failure{At: now, Slot: -1, Text: text})
		return
	}
	p.address = addressBound
	p.say(now, nil, Event{Kind: KindBound, Text: "listening on " + p.cfg.Listen})
}

func (p *pool) hidden() {
	if p.address == addressHiding {
		p.address = addressHidden
	}
}

func (p *pool) unbound(now time.Time) {
	if p.address == addressUnbinding {
		p.address = addressUnbound
		clear(p.draining) // all sockets of the pool are closed
		p.say(now, nil, Event{Kind: KindUnbound, Text: "stopped"})
	}
}

func (p *pool) started(f Started) {
	if m := p.member(f.ID); m != nil {
		m.pid, m.startTicks, m.startedAt = f.PID, f.StartTicks, f.At
		p.say(f.At, m, Event{Kind: KindStarted, Text: "started"})
	}
}

func (p *pool) unseen(id ID) {
	if m := p.member(id); m != nil {
		m.byUptime = true
	}
}

func (p *pool) signalled(id ID) {
	if m := p.member(id); m != nil && m.phase == PhaseDraining {
		m.phase = PhaseStopping
	}
}

// ready: the first ready worker clears the failures; the first of a candidate
// makes it the generation.
func (p *pool) ready(id ID, at time.Time) {
	m := p.member(id)
	if m == nil || m.phase != PhaseStarting {
		return
	}
	m.phase, m.readyAt = PhaseReady, at
	p.tally.ready(at.Sub(m.startedAt))
	p.say(at, m, Event{Kind: KindReady, Text: "ready after " + worker.Span(at.Sub(m.startedAt))})
	if m.generation < p.generation || p.apart(m) {
		return // it proves nothing, or not yet
	}
	if m.generation == p.candidate {
		p.generation, p.candidate = p.candidate, 0
	}
	p.proven, p.strikes = true, 0
	p.recover(at)
}

func (p *pool) recover(at time.Time) {
	if p.failures == 0 {
		return
	}
	p.say(at, nil, Event{Kind: KindRecovered, Text: fmt.Sprintf("recovered after %s", times(p.failures, "failed start"))})
	p.failures, p.delay, p.retryAt = 0, 0, time.Time{}
}

// exited records an end, and what it means.
func (p *pool) exited(id ID, exit worker.Exit) {
	m := p.member(id)
	if m == nil {
		return
	}
	p.remove(id)
	s := &p.slots[m.slot]
	s.status = &SlotStatus{Restarts: s.status.Restarts, LastExit: &exit}
	if m.why != "" && m.why != whyStartTimeout {
		p.exits[m.why]++
		p.say(exit.At, m, Event{Kind: KindStopped, Text: asked[m.why] + ": " + exit.Text()})
		return
	}
	reason := exit.Reason()
	if m.why != "" {
		reason = m.why
	}
	p.exits[reason]++
	onTrial := p.onTrial(m)
	if !onTrial { // else its failure is no restart of anything
		s.owed = reason
	}
	if m.phase == PhaseReady && (!onTrial || killedFromOutside(exit)) {
		p.say(exit.At, m, Event{Kind: KindExited, Bad: true, Text: exit.Text()})
		return
	}
	if m.why == "" && killedFromOutside(exit) && p.strikes < maxStrikes {
		p.strikes++
		p.say(exit.At, m, Event{Kind: KindExited, Bad: true, Text: exit.Text()})
		return
	}
	p.neverReady(m, exit)
}

// killedFromOutside: a SIGKILL that no out-of-memory kill explains is somebody's
// doing, not the worker's, even if we had not yet seen it ready.
func killedFromOutside(e worker.Exit) bool {
	return e.StartErr == "" && e.Signal == syscall.SIGKILL && !e.OOM
}

// onTrial: the worker is of a candidate that can still be dropped. Once it is being
// exposed it cannot: clients may reach it already.
func (p *pool) onTrial(m *member) bool {
	return m.generation == p.candidate && p.swap != swapExposing
}

func (p *pool) neverReady(m *member, exit worker.Exit) {
	text := exit.Text()
	switch {
	case m.why == whyStartTimeout:
		text = fmt.Sprintf("not ready within %s (start_timeout): it was never seen waiting for a connection on descriptor 0; killed",
			worker.Span(p.cfg.StartTimeout))
	case m.phase == PhaseReady:
		text = "ended before it had served: " + text
	case exit.StartErr == "":
		text = "ended before it was ready: " + text
	default:
		text = "cannot start: " + text
	}
	failure := Failure{At: exit.At, Slot: m.slot, Text: text, Output: exit.Output}
	p.say(exit.At, m, Event{Kind: KindFailed, Bad: true, Text: text, Output: exit.Output})
	if _, draining := p.draining[m.generation]; draining {
		p.draining[m.generation] = drainDone // nobody can empty its queue any more
		return
	}
	if p.onTrial(m) {
		p.dropCandidate(failure)
		return
	}
	p.fail(exit.At, failure)
}

// fail counts a failure of the pool. Those that come while a delay is running
// belong to the same event: five workers that die together are one failure.
func (p *pool) fail(now time.Time, f Failure) {
	p.lastFailure = &f
	if p.failures > 0 && now.Before(p.retryAt) {
		return
	}
	p.failures++
	p.delay = backoffDelay(p.cfg.Delay, p.cfg.DelayMax, p.failures, p.jitter.Float64())
	p.retryAt = now.Add(p.delay)
	p.say(now, nil, Event{Kind: KindBackoff, Bad: true,
		Text: fmt.Sprintf("%s in a row; next start in %s", times(p.failures, "failed start"), worker.Span(p.delay))})
}

func (p *pool) dropCandidate(f Failure) {
	p.lastFailure = &f
	p.abandonSwap()
	p.candidate = 0
	p.finishReload(f.At, "failed", f.Text, f.Output)
}

// reloading: a reload or restart has been asked for and its outcome is open.
func (p *pool) reloading() bool { return p.reload != nil && p.reload.Result == "" }

func (p *pool) finishReload(at time.Time, result, text string, output []string) {
	if !p.reloading() {
		return
	}
	done := *p.reload // published ones are never written to
	done.Result, done.Text, done.Output, done.Took = result, text, output, at.Sub(done.At)
	p.reload = &done
	p.tally.reload(done.Trigger, result, done.Took)
	if result == "ok" {
		p.say(at, nil, Event{Kind: KindReload, Text: fmt.Sprintf("generation %d serves, %s after the request", p.generation, worker.Span(done.Took))})
		return
	}
	p.say(at, nil, Event{Kind: KindReload, Bad: true, Output: output, Text: done.failure(p.generation, p.serving())})
}

// failure says that the reload failed, and what serves instead.
func (r *ReloadStatus) failure(generation, serving int) string {
	if serving == 0 {
		return fmt.Sprintf("generation %d dropped: %s", r.Generation, r.Text)
	}
	return fmt.Sprintf("generation %d dropped, generation %d serves on: %s", r.Generation, generation, r.Text)
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
