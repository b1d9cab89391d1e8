package metrics

import (
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fcgi-supervisor/supervisor"
)

// Source is where a scrape gets what it tells.
type Source struct {
	Look    func() *supervisor.Look
	Config  func() ConfigState
	OwnLost func() uint64 // lines that the supervisor's own log has lost
	Version string
}

// ConfigState is what became of reading the configuration.
type ConfigState struct {
	OK         bool      // the last time
	AcceptedAt time.Time // the last time that it was accepted
}

// collector makes each scrape of one look.
type collector struct{ source Source }

// Describe implements prometheus.Collector.
func (collector) Describe(descs chan<- *prometheus.Desc) {
	for _, f := range families {
		descs <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(metrics chan<- prometheus.Metric) {
	s := scrape{metrics}
	state := c.source.Config()
	s.value(buildInfo, 1, c.source.Version, runtime.Version())
	s.truth(configOK, state.OK)
	s.value(configAt, stamp(state.AcceptedAt))
	s.value(ownLost, float64(c.source.OwnLost()))
	look := c.source.Look()
	for _, p := range look.Snapshot.Pools {
		s.pool(p, look)
		s.history(p)
		s.workers(p, look)
	}
}

// scrape writes metrics down.
type scrape struct{ to chan<- prometheus.Metric }

func (s scrape) value(f *family, value float64, labels ...string) {
	s.to <- prometheus.MustNewConstMetric(f.desc, f.valueType(), value, labels...)
}

func (s scrape) truth(f *family, truth bool, labels ...string) {
	value := 0.0
	if truth {
		value = 1
	}
	s.value(f, value, labels...)
}

// known writes down what may not be known: then nothing, never 0.
func known[T int | uint64 | float64](s scrape, f *family, value *T, labels ...string) {
	if value != nil {
		s.value(f, float64(*value), labels...)
	}
}

// pool writes down how the pool is now.
func (s scrape) pool(p *supervisor.PoolStatus, look *supervisor.Look) {
	seen := look.Figures(p)
	s.value(poolWanted, float64(p.Wanted), p.Name)
	s.value(poolGeneration, float64(p.Generation), p.Name)
	s.value(poolBackoff, p.BackoffDelay.Seconds(), p.Name)
	s.truth(poolUp, p.Ready() > 0, p.Name)
	s.truth(poolHealthy, p.Healthy(), p.Name)
	known(s, poolQueue, seen.Queue, p.Name)
	known(s, poolBacklog, seen.Backlog, p.Name)
	known(s, poolConnections, seen.Connections, p.Name)
	s.value(logLines, float64(seen.Lines), p.Name, "output")
	s.value(logLost, float64(seen.Dropped), p.Name)
	if p.LastProbe != nil {
		s.truth(probeSuccess, p.LastProbe.OK, p.Name)
		s.value(probeDuration, p.LastProbe.Took.Seconds(), p.Name)
	}
	phases := map[supervisor.Phase]int{}
	for _, w := range p.Workers {
		phases[w.Phase]++
	}
	for _, phase := range []supervisor.Phase{supervisor.PhaseStarting, supervisor.PhaseReady, supervisor.PhaseDraining, supervisor.PhaseStopping} {
		s.value(poolWorkers, float64(phases[phase]), p.Name, string(phase))
	}
	if busy, known := look.Busy(p); known {
		s.value(poolWorkers, float64(busy), p.Name, "busy")
		s.value(poolWorkers, float64(phases[supervisor.PhaseReady]-busy), p.Name, "idle")
	}
}

// history writes down what has happened in the pool.
func (s scrape) history(p *supervisor.PoolStatus) {
	s.value(starts, float64(p.Starts), p.Name)
	s.counts(exits, p.Exits, slices.Concat(unaskedReasons, askedReasons), p.Name)
	s.counts(restarts, p.Restarts, unaskedReasons, p.Name)
	for _, trigger := range triggers {
		s.counts(reloads, p.Tally.Reloads[trigger], results, p.Name, trigger)
	}
	s.to <- newHistogram(startDuration, &p.Tally.Ready, p.Name)
	s.to <- newHistogram(reloadDuration, &p.Tally.ReloadsOK, p.Name)
}

// counts writes down a counter for each value of its last label: those that are
// known beforehand, at 0 if need be, and any other that has come up.
func (s scrape) counts(f *family, counted map[string]uint64, known []string, labels ...string) {
	for _, value := range known {
		s.value(f, float64(counted[value]), slices.Concat(labels, []string{value})...)
	}
	for value, n := range counted {
		if !slices.Contains(known, value) {
			s.value(f, float64(n), slices.Concat(labels, []string{value})...)
		}
	}
}

// workers writes down one worker of each slot.
func (s scrape) workers(p *supervisor.PoolStatus, look *supervisor.Look) {
	for slot, w := range inSlots(p) {
		if w == nil {
			continue
		}
		labels := []string{p.Name, strconv.Itoa(slot)}
		seen := look.Worker(w)
		s.value(workerStart, stamp(w.StartedAt), labels...)
		known(s, workerCPU, seen.CPUSeconds, labels...)
		known(s, workerMemory, seen.RSSBytes, labels...)
		known(s, workerFDs, seen.FDs, labels...)
		if !seen.BusySince.IsZero() {
			s.value(workerBusy, stamp(seen.BusySince), labels...)
		}
	}
}

// inSlots picks the worker that stands for each slot: the newest that is ready,
// else the newest; nil where there is none.
func inSlots(p *supervisor.PoolStatus) []*supervisor.WorkerStatus {
	chosen := make([]*supervisor.WorkerStatus, len(p.Slots))
	for _, w := range p.Workers {
		if w.Slot >= len(chosen) || w.PID == 0 {
			continue
		}
		before := chosen[w.Slot]
		ready := w.Phase == supervisor.PhaseReady
		if before == nil || ready && before.Phase != supervisor.PhaseReady ||
			ready == (before.Phase == supervisor.PhaseReady) && w.ID > before.ID {
			chosen[w.Slot] = w
		}
	}
	return chosen
}

// stamp is a moment as Prometheus writes it.
func stamp(t time.Time) float64 {
	return float64(t.UnixMilli()) / 1000
}
