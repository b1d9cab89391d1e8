package supervisor

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"fcgi-supervisor/worker"
)

// Recall goes on from a Memory, with what has been found of each pool, by name. It
// comes before Run, for a Supervisor made with the configurations that the pools
// had.
func (s *Supervisor) Recall(m Memory, found map[string]Finding, now time.Time) {
	s.lastID, s.lastSeq = m.LastID, m.LastSeq
	for _, f := range found {
		for _, w := range f.Workers {
			s.lastID = max(s.lastID, w.ID)
		}
	}
	for _, memory := range m.Pools {
		s.with(memory.Name, func(p *pool) { p.recall(memory, found[memory.Name], now) })
	}
	s.publish(now)
}

// recall takes over what was remembered, and then what has happened since: which
// generation clients reach is seen, not remembered, and so is who still lives.
func (p *pool) recall(m PoolMemory, f Finding, now time.Time) {
	p.recallFacts(m)
	if longest := now.Add(m.Delay); p.retryAt.After(longest) {
		p.retryAt = longest // the clock has been set back
	}
	for _, w := range f.Workers {
		p.members = append(p.members, recallWorker(w))
		p.newest = max(p.newest, w.Generation)
		p.processesSeen(w.Slot)
	}
	p.thinOut()
	if f.Bound {
		p.recallBound(m, f)
	} else {
		p.recallUnbound(f)
	}
	p.oldest = p.generation
	for _, w := range p.members {
		p.oldest = min(p.oldest, w.generation)
	}
	if len(f.Workers) > 0 {
		p.say(now, nil, Event{Kind: KindAdopted, Text: fmt.Sprintf("%s of an earlier supervisor taken back", times(len(f.Workers), "worker"))})
	}
	p.mourn(m, f, now)
	p.complete = p.whole()
}

func (p *pool) recallFacts(m PoolMemory) {
	p.up = m.Up
	if m.Configured == p.cfg.Processes {
		p.processes = m.Processes
	}
	p.generation, p.candidate, p.newest = m.Generation, m.Candidate, m.Newest
	p.proven, p.atOnce, p.reload = m.Proven, m.AtOnce, m.Reload
	p.failures, p.retryAt, p.delay, p.strikes, p.lastFailure = m.Failures, m.RetryAt, m.Delay, m.Strikes, m.LastFailure
	p.probe = probing{failures: m.ProbeFailures, unhealthy: m.Unhealthy, last: m.LastProbe}
	p.starts = m.Starts
	maps.Copy(p.exits, m.Exits)
	maps.Copy(p.restarts, m.Restarts)
	p.tally = recallTally(m.Tally)
	p.slots = nil
	for _, s := range m.Slots {
		p.slots = append(p.slots, slot{&SlotStatus{Restarts: s.Restarts, LastExit: s.LastExit}, s.Owed})
	}
	p.growSlots()
}

// processesSeen makes room for a worker in a slot that was not remembered.
func (p *pool) processesSeen(n int) {
	for len(p.slots) <= n {
		p.slots = append(p.slots, slot{status: &SlotStatus{}})
	}
}

// recallWorker: the goroutine that was ending it has ended itself, so the order is
// given again.
func recallWorker(w WorkerMemory) *member {
	m := &member{id: w.ID, slot: w.Slot, generation: w.Generation, phase: w.Phase, why: w.Why, byUptime: w.ByUptime,
		pid: w.PID, startTicks: w.StartTicks, orderedAt: w.OrderedAt, startedAt: w.StartedAt, readyAt: w.ReadyAt}
	m.endAgain = m.ending()
	return m
}

// thinOut ends the older of two workers that have one slot of one generation: it
// was being ended, and that was not written down in time.
func (p *pool) thinOut() {
	for _, old := range p.members {
		for _, m := range p.members {
			if m.slot == old.slot && m.generation == old.generation && m.id > old.id && !m.ending() && !old.ending() {
				old.phase, old.why, old.endAgain = PhaseDraining, whyScale, true
			}
		}
	}
}

// recallBound: the generation that clients reach is the generation. It may be the
// candidate, whose socket has been exposed since, and the old one may be gone.
func (p *pool) recallBound(m PoolMemory, f Finding) {
	p.address = addressBound
	exposed := m.Swapping && !m.Trial && slices.Contains(f.Exposed, p.candidate)
	if len(f.Exposed) > 0 && (exposed || !slices.Contains(f.Exposed, p.generation)) {
		p.generation = slices.Max(f.Exposed)
		p.newest = max(p.newest, p.generation)
		p.proven = true
	}
	if p.candidate <= p.generation {
		p.candidate = 0
	}
	switch {
	case p.candidate > 0 && m.Trial: // another one: this one's worker goes
		p.passTrial()
		p.beginTrial()
	case p.candidate > 0 && m.Swapping:
		p.swap = swapWanted
	}
	for _, generation := range f.Apart {
		switch {
		case p.swap == swapWanted && generation == p.candidate:
			p.swap = swapOpen
		case generation > p.generation: // a candidate that clients have never reached
			p.draining[generation] = drainDone
		default:
			p.draining[generation] = drainWanted
		}
	}
}

// recallUnbound: nobody is left on a socket that clients reach. What lives goes on
// until it has done what it had begun, and a new generation begins.
func (p *pool) recallUnbound(f Finding) {
	p.candidate = 0
	for _, m := range p.members {
		p.draining[m.generation] = drainWanted
		if f.Hopeless {
			m.phase, m.why, m.endAgain = PhaseDraining, whyReload, true
		}
	}
	p.blocked = f.Hopeless
	switch {
	case !p.up && len(p.members) > 0:
		p.address = addressHidden
		return
	case !p.up || len(p.members) == 0:
		return
	}
	p.newest++
	p.generation, p.proven = p.newest, false
	if p.reloading() {
		again := *p.reload
		again.Generation = p.generation
		p.reload = &again
	}
}

// mourn notes the end of those that are no more.
func (p *pool) mourn(m PoolMemory, f Finding, now time.Time) {
	alive := map[ID]bool{}
	for _, w := range f.Workers {
		alive[w.ID] = true
	}
	for _, w := range m.Workers {
		if w.PID == 0 || alive[w.ID] {
			continue
		}
		dead := recallWorker(w)
		p.members = append(p.members, dead)
		p.exited(dead.id, worker.Exit{At: now, Lived: now.Sub(w.StartedAt), Unknown: true})
	}
}

// endAgain repeats the orders that an earlier supervisor had given and could not
// see carried out.
func (p *pool) endAgain(d *decision) {
	for _, m := range p.members {
		if !m.endAgain {
			continue
		}
		m.endAgain = false
		if m.late() {
			d.order(Kill{p.cfg.Name, m.id})
		} else {
			d.order(Stop{p.cfg.Name, m.id})
		}
	}
}
