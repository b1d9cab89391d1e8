package control

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// newPool puts together what the loop says of a pool and what a look has added.
func newPool(p *supervisor.PoolStatus, seen *supervisor.Observation) Pool {
	figures := seen.Pools[p.Name]
	pool := Pool{Name: p.Name, State: string(p.State), Listen: p.Listen, Address: text(figures.Address), Wanted: p.Wanted, Processes: p.Processes,
		Ready: p.Ready(), Healthy: p.Healthy(), Generation: p.Generation, Reload: p.Reload, Failures: p.Failures, Starts: p.Starts,
		Queue: figures.Queue, Backlog: figures.Backlog, Connections: figures.Connections,
		BackoffUntil: moment(p.BackoffUntil), LastFailure: newFailure(p.LastFailure), LastReload: newReload(p.LastReload),
		LastProbe: newProbe(p.LastProbe),
		Exits:     counts(p.Exits), Restarts: counts(p.Restarts), Workers: []Worker{}, Slots: []Slot{}}
	for _, w := range p.Workers {
		pool.Workers = append(pool.Workers, newWorker(w, p.Slots, seen.Workers[w.ID]))
	}
	slices.SortFunc(pool.Workers, func(a, b Worker) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Generation, b.Generation))
	})
	for i, s := range p.Slots {
		pool.Slots = append(pool.Slots, Slot{Slot: i, Restarts: s.Restarts, LastExit: newExit(s.LastExit)})
	}
	return pool
}

func newWorker(w *supervisor.WorkerStatus, slots []*supervisor.SlotStatus, f supervisor.WorkerFigures) Worker {
	seen := Worker{Slot: w.Slot, PID: positive(w.PID), Generation: w.Generation, Phase: string(w.Phase),
		Busy: f.Busy, BusySince: moment(f.BusySince), StartedAt: moment(w.StartedAt), ReadyAt: moment(w.ReadyAt),
		RSSBytes: f.RSSBytes, CPUSeconds: f.CPUSeconds, FDs: f.FDs, Threads: f.Threads}
	if w.Slot < len(slots) {
		seen.Restarts, seen.LastExit = &slots[w.Slot].Restarts, newExit(slots[w.Slot].LastExit)
	}
	return seen
}

func newExit(e *worker.Exit) *Exit {
	if e == nil {
		return nil
	}
	return &Exit{Reason: e.Reason(), Text: e.Text(), At: e.At.UTC(), Output: lines(e.Output)}
}

func newFailure(f *supervisor.Failure) *Failure {
	if f == nil {
		return nil
	}
	return &Failure{Slot: natural(f.Slot), Text: f.Text, At: f.At.UTC(), Output: lines(f.Output)}
}

func newReload(r *supervisor.ReloadStatus) *Reload {
	if r == nil {
		return nil
	}
	reload := &Reload{Trigger: r.Trigger, Path: r.Path, Generation: r.Generation, Text: r.Text, Output: r.Output, At: r.At.UTC()}
	if r.Result != "" {
		seconds := r.Took.Seconds()
		reload.Result, reload.Seconds = &r.Result, &seconds
	}
	return reload
}

func newProbe(p *supervisor.ProbeStatus) *Probe {
	if p == nil {
		return nil
	}
	return &Probe{At: p.At.UTC(), OK: p.OK, Saturated: p.Saturated, Text: p.Text, Seconds: p.Took.Seconds()}
}

func newEvent(e supervisor.Event) Event {
	return Event{Seq: e.Seq, At: e.At.UTC(), Pool: e.Pool, Kind: string(e.Kind), Text: e.Text, Bad: e.Bad,
		Slot: natural(e.Slot), PID: positive(e.PID), Generation: e.Generation, Output: e.Output}
}

// text is nil for the empty one.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func positive(n int) *int {
	if n <= 0 {
		return nil
	}
	return &n
}

func natural(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

// lines and counts are never null: there being none is known.
func lines(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func counts(m map[string]uint64) map[string]uint64 {
	if m == nil {
		return map[string]uint64{}
	}
	return maps.Clone(m)
}
