package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fcgi-supervisor/supervisor"
)

// The last hour. Not covered: clocks that are set back by more than an hour, which
// lose it.

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func lookAt(at time.Time, queue int, pools ...string) *supervisor.Look {
	s := &supervisor.Snapshot{At: at}
	o := &supervisor.Observation{Pools: map[string]supervisor.PoolFigures{}}
	for _, name := range pools {
		s.Pools = append(s.Pools, &supervisor.PoolStatus{Name: name})
		o.Pools[name] = supervisor.PoolFigures{Queue: &queue}
	}
	return &supervisor.Look{Snapshot: s, Observation: o}
}

func TestHistoryKeepsTheWorstOfEachPiece(t *testing.T) {
	h := NewHistory()
	h.Seen(lookAt(noon, 3, "blog"))
	h.Seen(lookAt(noon.Add(time.Second), 9, "blog"))
	h.Seen(lookAt(noon.Add(2*time.Second), 0, "blog"))
	hour := h.last("blog", noon.Add(10*time.Second))
	if last := hour[pieces-1]; last.queue != 9 || !last.looked {
		t.Errorf("%+v, want a queue of 9", last)
	}
	if before := hour[pieces-2]; before.looked {
		t.Errorf("%+v: nobody looked then", before)
	}
}

func TestHistoryForgetsAfterAnHour(t *testing.T) {
	h := NewHistory()
	h.Seen(lookAt(noon, 3, "blog"))
	h.Note(supervisor.Event{Pool: "blog", Slot: 0, Kind: supervisor.KindExited, At: noon, Bad: true})
	for _, c := range []struct {
		later time.Duration
		known int
	}{{0, 1}, {59 * time.Minute, 1}, {time.Hour, 0}, {100 * time.Hour, 0}} {
		known := 0
		for _, m := range h.last("blog", noon.Add(c.later)) {
			if m.looked && m.queue == 3 && m.ends == 1 {
				known++
			}
		}
		if known != c.known {
			t.Errorf("after %v: known %d times, want %d", c.later, known, c.known)
		}
	}
}

// TestNothingIsKnownFromBefore: that nobody told us of crashes does not mean that there
// were none.
func TestNothingIsKnownFromBefore(t *testing.T) {
	h := NewHistory()
	h.began = noon
	hour := h.last("blog", noon.Add(10*time.Minute))
	told := 0
	for _, m := range hour {
		if m.told {
			told++
		}
	}
	if told != 21 || !hour[pieces-1].told || hour[pieces-22].told {
		t.Errorf("crashes of %d pieces are known, want those of the last 10 minutes, and the one that is under way", told)
	}
	if c := charts(hour)[2]; strings.Count(c.Gaps, "M") != pieces-21 {
		t.Errorf("%s has %d gaps", c.Label, strings.Count(c.Gaps, "M"))
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := NewHistory()
	for n := range 1000 {
		h.Seen(lookAt(noon.Add(time.Duration(n)*time.Minute), 1, fmt.Sprintf("pool%d", n)))
	}
	if len(h.pools) != 1 {
		t.Errorf("%d pools are remembered of which one is left", len(h.pools))
	}
}

func TestOnlyEndsThatNobodyAskedForAreCounted(t *testing.T) {
	h := NewHistory()
	for _, kind := range []supervisor.Kind{supervisor.KindExited, supervisor.KindFailed, supervisor.KindStopped, supervisor.KindReady} {
		h.Note(supervisor.Event{Pool: "blog", Slot: 1, Kind: kind, At: noon})
	}
	h.Note(supervisor.Event{Pool: "blog", Slot: -1, Kind: supervisor.KindFailed, At: noon}) // its address, no worker
	if got := h.last("blog", noon)[pieces-1].ends; got != 2 {
		t.Errorf("%d ends, want 2", got)
	}
}

func TestChart(t *testing.T) {
	hour := []moment{{looked: true, queue: 1}, {}, {looked: true, queue: 1000}, {looked: true}}
	c := newChart("queue", hour, func(m moment) (int, bool) { return m.queue, m.looked })
	if c.Peak != 1000 || !strings.Contains(c.Text, "at most 1000") || c.Gaps != "M2 32h2" {
		t.Errorf("%+v", c)
	}
	if strings.Count(c.Bars, "M") != 2 || !strings.Contains(c.Bars, "M0 32v-2") {
		t.Errorf("bars %q: a queue of 1 must be seen beside one of 1000", c.Bars)
	}
}
