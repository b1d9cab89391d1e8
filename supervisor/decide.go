package supervisor

import "time"

// unprovenStarts is how many workers of a generation are started before one of
// them has been ready: as many as most pools have, and few enough that a broken
// program with 512 processes is not started 512 times.
const unprovenStarts = 4

// decision is what comes of one look at a pool: orders, and when to look again.
type decision struct {
	orders []Order
	next   time.Time // zero: not before something happens
}

func (d *decision) order(o Order) { d.orders = append(d.orders, o) }

func (d *decision) lookAt(t time.Time) {
	if d.next.IsZero() || t.Before(d.next) {
		d.next = t
	}
}

// decide compares what is wanted with what is and orders the difference. It reads
// no clock and does nothing itself. Whatever it leaves short of what is wanted, a
// fact is under way or a time to look again is set.
func (p *pool) decide(now time.Time) decision {
	d := &decision{}
	p.endAgain(d)
	if !p.up || p.address > addressBound {
		p.windDown(d, now)
		return *d
	}
	if p.address == addressBound {
		p.ripen(d, now)
		p.trim(d)
		p.replace(d)
		p.advance(d, now)
		p.drain(d, now)
		p.openApart(d) // after drain, which may make room
		p.fill(d, now)
		p.ask(d, now)
		p.forget(d)
		p.settle(now)
		return *d
	}
	p.blocked = p.blocked && len(p.members) > 0
	// However often workers have failed: clients shall wait in a queue, not be refused.
	if p.address == addressUnbound && !p.blocked && (!p.refused || p.mayRetry(d, now)) {
		p.address = addressBinding
		d.order(Bind{p.cfg.Name})
	}
	return *d
}

// windDown empties the queue, then ends the workers, then gives up the address.
// It runs to its end even when the pool is wanted again meanwhile.
func (p *pool) windDown(d *decision, now time.Time) {
	if p.hurry {
		p.windDownNow(d)
	}
	if p.address == addressUnbound && len(p.members)+len(p.draining) > 0 { // of an earlier supervisor
		p.address = addressHidden
	}
	switch p.address {
	case addressBound:
		p.address = addressHiding
		deadline := now
		if p.serving() > 0 { // else nobody would empty it
			deadline = now.Add(p.cfg.StopTimeout / 2)
		}
		d.order(Hide{p.cfg.Name, deadline})
	case addressHidden:
		for _, m := range p.members {
			p.end(d, m, whyStop)
		}
		if len(p.members) == 0 {
			p.address = addressUnbinding
			d.order(Unbind{p.cfg.Name})
		}
	}
}

// windDownNow waits for no queue and no request.
func (p *pool) windDownNow(d *decision) {
	if p.address == addressBound || p.address == addressHiding {
		p.address = addressHidden
	}
	for _, m := range p.members {
		m.phase, m.why = PhaseStopping, whyStop
		d.order(Kill{p.cfg.Name, m.id})
	}
}

// end retires a worker; one that is not ready yet holds nothing worth waiting
// for, but a stop signal is still the polite way.
func (p *pool) end(d *decision, m *member, why string) {
	if m.ending() {
		return
	}
	m.phase, m.why = PhaseDraining, why
	d.order(Stop{p.cfg.Name, m.id})
}

// ripen acts on the time that has passed over starting workers.
func (p *pool) ripen(d *decision, now time.Time) {
	for _, m := range p.members {
		if m.phase != PhaseStarting || m.startedAt.IsZero() {
			continue
		}
		if p.cfg.ByUptime || m.byUptime {
			if ripe := m.startedAt.Add(p.cfg.MinUptime); now.Before(ripe) {
				d.lookAt(ripe)
			} else {
				p.ready(m.id, now)
			}
			continue
		}
		if late := m.startedAt.Add(p.cfg.StartTimeout); now.Before(late) {
			d.lookAt(late)
		} else {
			m.phase, m.why = PhaseStopping, whyStartTimeout
			d.order(Kill{p.cfg.Name, m.id})
		}
	}
}

// trim ends workers in slots that are no longer wanted, and what is left of a
// candidate that was dropped or superseded.
func (p *pool) trim(d *decision) {
	for _, m := range p.members {
		switch {
		case m.slot >= p.processes:
			p.end(d, m, whyScale)
		case m.generation > p.generation && m.generation != p.candidate:
			p.end(d, m, whyReload)
		}
	}
}

// replace ends outdated workers: together, or each when its slot has a newer one
// that is ready. (Not only one of the newest generation: a reload that overtakes
// another finds slots with two outdated workers.)
func (p *pool) replace(d *decision) {
	for _, m := range p.members {
		if m.generation >= p.generation || m.ending() || p.apart(m) {
			continue
		}
		if p.atOnce || p.covered(m) {
			p.end(d, m, whyReload)
		}
	}
}

// covered: a newer worker in the same slot is ready, and clients reach it.
func (p *pool) covered(old *member) bool {
	for _, m := range p.members {
		if m.slot == old.slot && m.generation > old.generation && m.phase == PhaseReady && !p.apart(m) {
			return true
		}
	}
	return false
}

// fill orders the starts that are due.
func (p *pool) fill(d *decision, now time.Time) {
	if p.atOnce && p.outdated() > 0 {
		return // the last of them to go is the next fact
	}
	starting := p.starting(p.generation)
	empty, occupied := p.vacancies()
	// Never more than one beyond what is wanted: a worker that is still on its way
	// in for the generation that this candidate wants to replace is waited for.
	if p.candidate > 0 && !p.swapping() && p.starting(p.candidate) == 0 && p.living() <= p.processes {
		slot := 0
		if len(empty) > 0 {
			slot, empty = empty[0], empty[1:]
		}
		p.start(d, slot, p.candidate, now)
	}
	if len(empty) > 0 && !p.mayRetry(d, now) {
		return
	}
	for _, slot := range empty {
		if p.failures > 0 && starting > 0 || !p.proven && starting >= unprovenStarts || p.living() > p.processes {
			return // the outcome of those under way is the next fact
		}
		p.start(d, slot, p.generation, now)
		starting++
	}
	// Rolling: one more than wanted, one at a time.
	rolling := p.candidate == 0 && starting == 0 && p.ending() == 0 && p.living() <= p.processes
	if len(occupied) > 0 && rolling && p.mayRetry(d, now) {
		p.start(d, occupied[0], p.generation, now)
	}
}

// vacancies lists the wanted slots that nobody holds, and those that only an
// outdated worker holds.
func (p *pool) vacancies() (empty, occupied []int) {
	held := make([]int, p.processes) // the newest generation in each slot
	for _, m := range p.members {
		if m.slot < p.processes && (!m.ending() || m.late() && m.generation == p.generation) && !p.apart(m) {
			held[m.slot] = max(held[m.slot], m.generation)
		}
	}
	for slot, generation := range held {
		switch {
		case generation == 0:
			empty = append(empty, slot)
		case generation < p.generation:
			occupied = append(occupied, slot)
		}
	}
	return empty, occupied
}

// starting counts the starts whose outcome is open.
func (p *pool) starting(generation int) int {
	n := 0
	for _, m := range p.members {
		if (m.phase == PhaseStarting || m.late()) && m.generation == generation {
			n++
		}
	}
	return n
}

// living counts those on the pool's socket that are not on their way out.
func (p *pool) living() int {
	n := 0
	for _, m := range p.members {
		if !m.ending() && !p.apart(m) {
			n++
		}
	}
	return n
}

func (p *pool) ending() int {
	n := 0
	for _, m := range p.members {
		if m.ending() && !p.apart(m) {
			n++
		}
	}
	return n
}

// outdated counts the living workers of older generations on the pool's socket,
// those that are being ended too.
func (p *pool) outdated() int {
	n := 0
	for _, m := range p.members {
		if m.generation < p.generation && !p.apart(m) {
			n++
		}
	}
	return n
}

// mayRetry tells whether the delay after a failure has passed, and else sets the
// time to look again.
func (p *pool) mayRetry(d *decision, now time.Time) bool {
	if p.failures > 0 && now.Before(p.retryAt) {
		d.lookAt(p.retryAt)
		return false
	}
	return true
}

func (p *pool) start(d *decision, slot, generation int, now time.Time) {
	m := &member{id: p.nextID(), slot: slot, generation: generation, phase: PhaseStarting, orderedAt: now}
	p.members = append(p.members, m)
	p.starts++
	if s := &p.slots[slot]; s.owed != "" {
		p.restarts[s.owed]++
		s.status = &SlotStatus{Restarts: s.status.Restarts + 1, LastExit: s.status.LastExit}
		s.owed = ""
	}
	d.order(Start{p.cfg.Name, m.id, slot, generation})
}

// forget lets go of generations that have no workers and will get none.
func (p *pool) forget(d *decision) {
	oldest := p.generation
	for _, m := range p.members {
		oldest = min(oldest, m.generation)
	}
	for generation := range p.draining {
		oldest = min(oldest, generation)
	}
	if oldest > p.oldest {
		p.oldest = oldest
		d.order(Forget{p.cfg.Name, oldest})
	}
}

// settle says so when the pool has become whole, and ends a reload that is done.
func (p *pool) settle(now time.Time) {
	whole := p.whole()
	switch {
	case whole && p.candidate == 0 && p.outdated() == 0 && p.reloading():
		p.atOnce = false
		p.finishReload(now, "ok", "", nil)
	case whole && !p.complete && !p.reloading():
		p.say(now, nil, Event{Kind: KindReady, Text: times(p.processes, "worker") + " ready"})
	}
	p.complete = whole
}

// whole: every wanted slot has a ready worker of the generation.
func (p *pool) whole() bool {
	n := 0
	for _, m := range p.members {
		if m.phase == PhaseReady && m.generation == p.generation && m.slot < p.processes {
			n++
		}
	}
	return n >= p.processes
}
