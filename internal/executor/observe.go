package executor

import (
	"maps"
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
	table := e.table()
	for _, p := range s.Pools {
		accepted, figures, known := e.accepted(p.Name, table)
		o.Pools[p.Name] = figures
		for _, w := range p.Workers {
			if w.PID > 0 {
				o.Workers[w.ID] = e.seen.look(w, accepted, known, s.At)
			}
		}
	}
	e.seen.forget()
	return o
}

// table asks the kernel about all sockets of all pools in one pass; nil if it does
// not tell.
func (e *Executor) table() *listen.Table {
	var all []*listen.Socket
	for _, c := range e.all() {
		if socket := c.socket.Load(); socket != nil {
			all = append(append(all, socket), c.socketsApart()...)
		}
	}
	table, err := listen.Look(all)
	if err != nil {
		return nil
	}
	return table
}

// accepted returns the connections of a pool, on whatever socket of it they came
// in, if they are known, and its figures.
func (e *Executor) accepted(pool string, table *listen.Table) (_ map[uint64]bool, seen supervisor.PoolFigures, known bool) {
	c := e.all()[pool]
	if c == nil {
		return nil, seen, false
	}
	output := c.output()
	seen.Lines, seen.Dropped = output.Lines, output.Dropped
	socket := c.socket.Load()
	if socket == nil {
		return nil, seen, false
	}
	if bound, known := socket.Bound(); known {
		seen.Address = bound.String()
	}
	if table == nil {
		return nil, seen, false
	}
	figures, known := table.Of(socket)
	if !known {
		return nil, seen, false
	}
	for _, apart := range c.socketsApart() {
		more, _ := table.Of(apart)
		maps.Copy(figures.Accepted, more.Accepted)
	}
	connections := len(figures.Accepted)
	seen.Queue, seen.Backlog, seen.Connections = &figures.Queue, &figures.Backlog, &connections
	return figures.Accepted, seen, true
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
