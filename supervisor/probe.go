package supervisor

import (
	"fmt"
	"time"

	"fcgi-supervisor/worker"
)

// probing is what a pool knows of its own health. A pool without a probe, and one
// whose probes have not failed often enough, is healthy.
type probing struct {
	asked     int       // the generation that a probe is under way to; 0: none
	next      time.Time // zero: as soon as somebody can answer
	failures  int       // in a row
	unhealthy bool
	last      *ProbeStatus
}

// probed takes the answer to a probe: of the candidate, which it proves or drops,
// or of the generation that serves.
func (p *pool) probed(f Probed) {
	switch {
	case f.Generation == p.candidate && p.swap == swapProbing:
		if f.Err != nil {
			p.dropCandidate(Failure{At: f.At, Slot: -1, Text: "the probe failed: " + f.Err.Error()})
			return
		}
		p.swap = swapProbed
	case f.Generation == p.probe.asked:
		p.probe.asked = 0
		p.probe.next = f.At.Add(p.cfg.Probe.Interval)
		if f.Generation == p.generation {
			p.judge(f)
		}
	}
}

// judge: a pool that answers nobody because it is saturated is not a dead pool.
func (p *pool) judge(f Probed) {
	status := &ProbeStatus{At: f.At, Took: f.Took, OK: f.Err == nil, Saturated: f.Saturated}
	p.probe.last = status
	if f.Err == nil {
		if p.probe.unhealthy {
			p.say(f.At, nil, Event{Kind: KindProbe, Text: "healthy again: the probe is answered in " + worker.Span(f.Took)})
		}
		p.probe.failures, p.probe.unhealthy = 0, false
		return
	}
	status.Text = f.Err.Error()
	if f.Saturated {
		return
	}
	p.probe.failures++
	if p.probe.failures >= p.cfg.Probe.Failures && !p.probe.unhealthy {
		p.probe.unhealthy = true
		p.say(f.At, nil, Event{Kind: KindProbe, Bad: true,
			Text: fmt.Sprintf("unhealthy: %s in a row, the last: %s", times(p.probe.failures, "failed probe"), status.Text)})
	}
}

// ask orders the next probe when its time has come and somebody can answer it.
func (p *pool) ask(d *decision, now time.Time) {
	if p.cfg.Probe.Interval <= 0 || p.probe.asked > 0 || p.serving() == 0 {
		return
	}
	if now.Before(p.probe.next) {
		d.lookAt(p.probe.next)
		return
	}
	p.probe.asked = p.generation
	d.order(Probe{p.cfg.Name, p.generation})
}
