package metrics

import (
	"time"

	"fcgi-supervisor/supervisor"
)

// example is a look at three pools: one that serves, with a worker of the old
// generation left; one in back-off, of which the kernel does not tell; one stopped.
func example() *supervisor.Look {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	blog := &supervisor.PoolStatus{Name: "blog", State: supervisor.Running, Wanted: 3, Processes: 3, Generation: 2, Starts: 9,
		Exits: map[string]uint64{"reload": 3, "signal": 2, "something_new": 1}, Restarts: map[string]uint64{"signal": 2},
		LastProbe: &supervisor.ProbeStatus{OK: true, Took: 12 * time.Millisecond},
		Slots:     make([]*supervisor.SlotStatus, 3), Tally: &supervisor.Tally{}}
	tally := blog.Tally
	tally.Reloads = map[string]map[string]uint64{"file": {"ok": 2, "failed": 1}}
	tally.ReloadsOK.Observe(410 * time.Millisecond)
	tally.ReloadsOK.Observe(2 * time.Second)
	for range 9 {
		tally.Ready.Observe(38 * time.Millisecond)
	}
	add := func(p *supervisor.PoolStatus, id supervisor.ID, slot, generation int, phase supervisor.Phase) {
		p.Workers = append(p.Workers, &supervisor.WorkerStatus{ID: id, Slot: slot, PID: 1000 + int(id), Generation: generation, Phase: phase, StartedAt: at})
	}
	add(blog, 5, 0, 2, supervisor.PhaseReady)
	add(blog, 6, 1, 2, supervisor.PhaseReady)
	add(blog, 7, 2, 2, supervisor.PhaseReady)
	add(blog, 2, 1, 1, supervisor.PhaseDraining)
	add(blog, 8, 1, 3, supervisor.PhaseStarting) // newer than the ready one, and not it
	add(blog, 9, 7, 2, supervisor.PhaseDraining) // of a slot that was scaled away
	broken := &supervisor.PoolStatus{Name: "broken", State: supervisor.Backoff, Wanted: 1, Processes: 1, Generation: 1, Starts: 4,
		Failures: 4, BackoffDelay: 800 * time.Millisecond, Exits: map[string]uint64{"exit_nonzero": 4},
		Restarts: map[string]uint64{"exit_nonzero": 3}, Slots: make([]*supervisor.SlotStatus, 1), Tally: &supervisor.Tally{}}
	asleep := &supervisor.PoolStatus{Name: "asleep", State: supervisor.Stopped, Processes: 2, Generation: 1,
		Slots: make([]*supervisor.SlotStatus, 2), Tally: &supervisor.Tally{}}
	seen := &supervisor.Observation{Workers: map[supervisor.ID]supervisor.WorkerFigures{}, Pools: map[string]supervisor.PoolFigures{}}
	queue, backlog, connections := 4, 4096, 2
	seen.Pools["blog"] = supervisor.PoolFigures{Queue: &queue, Backlog: &backlog, Connections: &connections, Lines: 17, Dropped: 3}
	for _, w := range blog.Workers {
		held, rss, cpu, fds := w.ID == 6, uint64(12<<20)+uint64(w.ID), 1.5, 7
		seen.Workers[w.ID] = supervisor.WorkerFigures{Busy: &held, RSSBytes: &rss, CPUSeconds: &cpu, FDs: &fds}
		if held {
			f := seen.Workers[w.ID]
			f.BusySince = at.Add(-1500 * time.Millisecond)
			seen.Workers[w.ID] = f
		}
	}
	return &supervisor.Look{Snapshot: &supervisor.Snapshot{At: at, Pools: []*supervisor.PoolStatus{asleep, blog, broken}}, Observation: seen}
}

func exampleSource() Source {
	return Source{Look: example, Version: "1.2.3", OwnLost: func() uint64 { return 5 },
		Config: func() ConfigState { return ConfigState{OK: false, AcceptedAt: time.Unix(1795300000, 0)} }}
}
