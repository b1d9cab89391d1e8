package supervisor

import (
	"fmt"
	"time"
)

// swapState is where the socket of a candidate of its own is.
type swapState int

const (
	swapNone     swapState = iota // the candidate shares the generation's socket
	swapWanted                    // it is to get one
	swapOpening                   // Open is ordered
	swapOpen                      // its workers start on it, unseen by clients
	swapProbing                   // Probe is ordered: they are all ready
	swapProbed                    // it was answered
	swapExposing                  // Expose is ordered
)

// drainState is how far a generation is that was swapped out.
type drainState int

const (
	drainWanted  drainState = iota // it has just lost its name
	drainWaiting                   // Drain is ordered
	drainDone                      // nothing left to do: its workers are ended
)

func (p *pool) opened(at time.Time, o Opened) {
	if o.Generation != p.candidate || p.swap != swapOpening {
		return // superseded; its socket is shut with it
	}
	switch {
	case o.NoRoom: // not for ever: whoever has the older one may have it for days
		p.say(at, nil, Event{Kind: KindReload, Bad: true, Text: fmt.Sprintf("workers are replaced one by one, for there is no room for another socket: %v", o.Err)})
		p.swap = swapNone
		if p.cfg.Probe.Interval > 0 {
			p.beginTrial()
		}
	case o.Err != nil:
		p.dropCandidate(Failure{At: at, Slot: -1, Text: o.Err.Error()})
	default:
		p.swap = swapOpen
	}
}

// exposed: from now on clients reach the candidate; it is the generation.
func (p *pool) exposed(at time.Time, generation int, err error) {
	if generation != p.candidate || p.swap != swapExposing {
		return
	}
	if err != nil {
		p.dropCandidate(Failure{At: at, Slot: -1, Text: err.Error()})
	} else {
		p.draining[p.generation] = drainWanted
		p.generation, p.candidate, p.swap, p.proven = generation, 0, swapNone, true
		p.recover(at)
		p.finishReload(at, "ok", "", nil)
	}
	if r := p.postponed; r != nil {
		p.postponed = nil
		p.begin(r)
	}
}

func (p *pool) drained(generation int) {
	if _, known := p.draining[generation]; known {
		p.draining[generation] = drainDone
	}
}

// advance takes a candidate with a socket of its own one step further.
func (p *pool) advance(d *decision, now time.Time) {
	switch p.swap {
	case swapOpen, swapProbing, swapProbed:
		p.fillCandidate(d, now)
		if p.readyIn(p.candidate) >= p.wantedInCandidate() {
			p.prove(d)
		}
	}
}

// openApart has a socket opened for the candidate; where there is room for one only,
// when the generation before the last has gone.
func (p *pool) openApart(d *decision) {
	if p.swap == swapWanted && (p.trial || !p.cfg.OneApart || len(p.draining) == 0) {
		p.swap = swapOpening
		d.order(Open{p.cfg.Name, p.candidate, p.trial})
	}
}

// prove has a candidate that is whole answer the probe, if there is one, and then
// exposed.
func (p *pool) prove(d *decision) {
	if p.swap == swapOpen && p.cfg.Probe.Interval > 0 {
		p.swap = swapProbing
		d.order(Probe{p.cfg.Name, p.candidate})
	} else if p.trial && p.swap == swapProbed {
		p.passTrial()
	} else if p.swap != swapProbing {
		p.swap = swapExposing
		d.order(Expose{p.cfg.Name, p.candidate})
	}
}

// fillCandidate starts a worker in every slot, few until one has been ready.
func (p *pool) fillCandidate(d *decision, now time.Time) {
	held := make([]bool, p.wantedInCandidate())
	for _, m := range p.members {
		if m.generation == p.candidate && m.slot < len(held) && !m.ending() {
			held[m.slot] = true
		}
	}
	proven := p.readyIn(p.candidate) > 0
	for slot := range held {
		if !proven && p.starting(p.candidate) >= unprovenStarts {
			return // the outcome of those under way is the next fact
		}
		if !held[slot] {
			p.start(d, slot, p.candidate, now)
		}
	}
}

func (p *pool) readyIn(generation int) int {
	n := 0
	for _, m := range p.members {
		if m.generation == generation && m.phase == PhaseReady && m.slot < p.processes {
			n++
		}
	}
	return n
}

// drain ends generations that were swapped out when they have nothing left to do.
// Until then one worker at least stays to empty the queue.
func (p *pool) drain(d *decision, now time.Time) {
	for generation, state := range p.draining {
		members := p.membersOf(generation)
		switch {
		case state == drainWanted:
			p.draining[generation] = drainWaiting
			d.order(Drain{p.cfg.Name, generation, now.Add(p.cfg.DrainTimeout)})
		case state == drainDone && len(members) == 0:
			delete(p.draining, generation)
			d.order(Shut{p.cfg.Name, generation})
		case state == drainDone:
			for _, m := range members {
				p.end(d, m, whyReload)
			}
		case len(members) == 0 && p.mayRetry(d, now):
			p.start(d, 0, generation, now)
		}
	}
}

func (p *pool) membersOf(generation int) []*member {
	var list []*member
	for _, m := range p.members {
		if m.generation == generation {
			list = append(list, m)
		}
	}
	return list
}

// abandonSwap gives the candidate's socket up, if it has one.
func (p *pool) abandonSwap() {
	if p.swap > swapWanted {
		p.draining[p.candidate] = drainDone // ends what has been started on it
	}
	p.swap, p.trial = swapNone, false
}

func (p *pool) swapping() bool { return p.swap != swapNone }

// apart: the worker is on a socket that clients do not reach, or not any more.
func (p *pool) apart(m *member) bool {
	_, draining := p.draining[m.generation]
	return draining || p.swapping() && m.generation == p.candidate
}
