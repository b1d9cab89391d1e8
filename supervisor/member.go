package supervisor

import "time"

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
