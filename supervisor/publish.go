package supervisor

import (
	"maps"
	"time"
)

// view is what readers get: never written to again, but for the closing of
// changed when the next one has been published.
type view struct {
	number   uint64 // counts up
	snapshot *Snapshot
	events   []Event
	changed  chan struct{}
}

// Snapshot returns the newest picture. It never waits for the loop.
func (s *Supervisor) Snapshot() *Snapshot { return s.view.Load().snapshot }

// View is the number of the newest picture, which counts up, and a channel that is
// closed when there is a newer one.
func (s *Supervisor) View() (number uint64, changed <-chan struct{}) {
	v := s.view.Load()
	return v.number, v.changed
}

// Events returns the kept events with a number above after, and a channel that
// is closed when there may be more.
func (s *Supervisor) Events(after uint64) ([]Event, <-chan struct{}) {
	v := s.view.Load()
	events := v.events
	for len(events) > 0 && events[0].Seq <= after {
		events = events[1:]
	}
	return events, v.changed
}

func (s *Supervisor) publish(now time.Time) {
	snapshot := &Snapshot{At: now, Ending: s.stopping, Pools: make([]*PoolStatus, len(s.pools))}
	for i, p := range s.pools {
		snapshot.Pools[i] = p.status(now)
	}
	events := s.events[max(0, len(s.events)-keptEvents):]
	s.views++
	old := s.view.Swap(&view{number: s.views, snapshot: snapshot, events: events[:len(events):len(events)], changed: make(chan struct{})})
	if old != nil {
		close(old.changed)
	}
}

func (p *pool) status(now time.Time) *PoolStatus {
	status := &PoolStatus{Name: p.cfg.Name, State: p.state(), Listen: p.cfg.Listen, Reload: p.cfg.Reload,
		Processes: p.processes, Generation: p.generation, Failures: p.failures, LastFailure: p.lastFailure,
		LastReload: p.reload, Unhealthy: p.probe.unhealthy, LastProbe: p.probe.last, Starts: p.starts, Exits: maps.Clone(p.exits), Restarts: maps.Clone(p.restarts), Tally: p.tally.publish(),
		Workers: make([]*WorkerStatus, len(p.members)), Slots: make([]*SlotStatus, p.processes)}
	if p.up {
		status.Wanted = p.processes
	}
	if p.failures > 0 {
		status.BackoffDelay = p.delay
		if now.Before(p.retryAt) {
			status.BackoffUntil = p.retryAt
		}
	}
	for i, m := range p.members {
		status.Workers[i] = m.status(p.shown(m))
	}
	for i := range status.Slots {
		status.Slots[i] = p.slots[i].status
	}
	return status
}

// status is made anew only when something has changed, so that a picture of 512
// workers of which one has changed costs little.
func (m *member) status(phase Phase) *WorkerStatus {
	now := WorkerStatus{ID: m.id, Slot: m.slot, PID: m.pid, StartTicks: m.startTicks,
		Generation: m.generation, Phase: phase, StartedAt: m.startedAt, ReadyAt: m.readyAt}
	if m.published == nil || *m.published != now {
		changed := now
		m.published = &changed
	}
	return m.published
}

// shown is the phase as it looks from outside: a worker that clients do not reach
// yet is starting, and one that they do not reach any more is draining.
func (p *pool) shown(m *member) Phase {
	switch {
	case m.phase != PhaseReady || !p.apart(m):
		return m.phase
	case m.generation == p.candidate:
		return PhaseStarting
	}
	return PhaseDraining
}

// state is what the pool shows of itself; State tells which one wins.
func (p *pool) state() State {
	switch {
	case !p.up && len(p.members) == 0 && p.address == addressUnbound:
		return Stopped
	case !p.up || p.address > addressBound:
		return Stopping
	case p.failures > 0 && p.serving() < p.processes:
		return Backoff
	case p.reloading():
		return Reloading
	case !p.whole():
		return Starting
	}
	return Running
}
