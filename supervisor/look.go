package supervisor

import (
	"time"

	"fcgi-supervisor/internal/share"
)

// Look is all that can be known of the pools at one moment: what the loop says
// and what the kernel says. Nobody writes to it.
type Look struct {
	*Snapshot // At is the moment of the look
	*Observation
}

// Figures are what the kernel says of a pool.
func (l *Look) Figures(p *PoolStatus) PoolFigures { return l.Observation.Pools[p.Name] }

// Worker is what the kernel says of a worker.
func (l *Look) Worker(w *WorkerStatus) WorkerFigures { return l.Observation.Workers[w.ID] }

// Sight looks for whoever asks: a scrape, status, the page. A hundred who ask at
// once cost two looks, and nobody gets a picture that is older than his question.
type Sight struct {
	supervisor *Supervisor
	observer   Observer
	kept       func()
	noted      func(*Look)
	looks      share.Next[*Look]
}

// NewSight makes a Sight of what s publishes and o sees. kept returns when what is
// published and counted cannot be forgotten any more: a counter that somebody has
// been told may not go back, not even if we crash. noted is told of every look, one after the
// other.
func NewSight(s *Supervisor, o Observer, kept func(), noted func(*Look)) *Sight {
	return &Sight{supervisor: s, observer: o, kept: kept, noted: noted}
}

// Look looks at everything in one pass. It does not need the loop: one that is
// stuck can still be looked at.
func (s *Sight) Look() *Look { return s.looks.Do(s.look) }

func (s *Sight) look() *Look {
	snapshot := *s.supervisor.Snapshot()
	snapshot.At = time.Now() // nothing may have been published for hours
	look := &Look{&snapshot, s.observer.Observe(&snapshot)}
	s.kept() // of both: lines are counted without the loop
	s.noted(look)
	return look
}

// Busy counts the ready workers of a pool that hold a connection; false if that is
// not known of one of them.
func (l *Look) Busy(p *PoolStatus) (busy int, known bool) {
	for _, w := range p.Workers {
		if w.Phase != PhaseReady {
			continue
		}
		holds := l.Worker(w).Busy
		if holds == nil {
			return 0, false
		}
		if *holds {
			busy++
		}
	}
	return busy, true
}
