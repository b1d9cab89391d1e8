package supervisor

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"fcgi-supervisor/worker"
)

// maxStrikes bounds how often a worker killed from outside before it was ready
// is replaced at once: somebody's kill -9 is no fault of the worker's, but an
// unseen limit that kills every one of them must not make us spin.
const maxStrikes = 32

func (p *pool) bound(now time.Time, err error) {
	if p.address != addressBinding {
		return
	}
	p.refused = err != nil
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
