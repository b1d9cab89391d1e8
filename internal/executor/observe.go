package executor

import (
	"sync"
	"time"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// sightings remember since when each connection has been seen. A mutex because
// looks come from whoever asks, and two at once would each see half.
type sightings struct {
	mu    sync.Mutex
	since map[uint64]sighting // by socket inode
	round uint64
}

type sighting struct {
	first time.Time
	round uint64
}

// Observe implements supervisor.Observer.
func (e *Executor) Observe(s *supervisor.Snapshot) *supervisor.Observation {
	e.seen.mu.Lock()
	defer e.seen.mu.Unlock()
	e.seen.round++
	o := &supervisor.Observation{Pools: map[string]supervisor.PoolFigures{}, Workers: map[supervisor.ID]supervisor.WorkerFigures{}}
	table, sockets := e.table(s)
	for _, p := range s.Pools {
		figures, known := listen.Figures{}, false
		if socket := sockets[p.Name]; socket != nil && table != nil {
			figures, known = table.Of(socket)
		}
		if known {
			accepted := len(figures.Accepted)
			o.Pools[p.Name] = supervisor.PoolFigures{Queue: &figures.Queue, Backlog: &figures.Backlog, Connections: &accepted}
		}
		for _, w := range p.Workers {
			if w.PID > 0 {
				o.Workers[w.ID] = e.seen.look(w, figures.Accepted, known, s.At)
			}
		}
	}
	e.seen.forget()
	return o
}

// table asks the kernel about all sockets in one pass; nil if it does not tell.
func (e *Executor) table(s *supervisor.Snapshot) (*listen.Table, map[string]*listen.Socket) {
	sockets := map[string]*listen.Socket{}
	var list []*listen.Socket
	for _, p := range s.Pools {
		if c := e.crews[p.Name]; c != nil {
			if socket := c.socket.Load(); socket != nil {
				sockets[p.Name] = socket
				list = append(list, socket)
			}
		}
	}
	table, err := listen.Look(list)
	if err != nil {
		return nil, sockets
	}
	return table, sockets
}

func (s *sightings) look(w *supervisor.WorkerStatus, accepted map[uint64]bool, known bool, now time.Time) supervisor.WorkerFigures {
	var f supervisor.WorkerFigures
	usage, there := worker.UsageOf(w.PID, w.StartTicks)
	if !there {
		return f
	}
	f.RSSBytes, f.CPUSeconds, f.Threads = &usage.RSSBytes, &usage.CPUSeconds, &usage.Threads
	if usage.FDsKnown {
		f.FDs = &usage.FDs
	}
	if !known {
		return f
	}
	busy := false
	if len(accepted) > 0 {
		held, err := worker.Held(w.PID, accepted)
		if err != nil {
			return f
		}
		busy = len(held) > 0
		f.BusySince = s.oldest(held, now)
	}
	f.Busy = &busy
	return f
}

// oldest is the first sight of the longest-seen of these connections.
func (s *sightings) oldest(inodes []uint64, now time.Time) time.Time {
	var oldest time.Time
	for _, inode := range inodes {
		first := now
		if known, ok := s.since[inode]; ok {
			first = known.first
		}
		s.since[inode] = sighting{first, s.round}
		if oldest.IsZero() || first.Before(oldest) {
			oldest = first
		}
	}
	return oldest
}

// forget drops the connections that this look has not seen.
func (s *sightings) forget() {
	for inode, seen := range s.since {
		if seen.round != s.round {
			delete(s.since, inode)
		}
	}
}
