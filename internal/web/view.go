package web

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// view is what the template shows.
type view struct {
	Verdict string // in words
	Mood    mood
	Running string // since when the supervisor does
	Pools   []poolView
	Events  []eventView
}

// mood is how something is, at a glance; also the class that colours it.
type mood string

const (
	good mood = "good"
	busy mood = "busy" // on its way, with nothing to spare, or not what was to be deployed
	bad  mood = "bad"
	off  mood = "off" // not wanted
)

// rank: trouble is seen first, and what nobody wants last. Other pools keep their
// places, so that who looks often knows where to look.
var rank = map[mood]int{bad: 0, busy: 1, good: 1, off: 2}

type poolView struct {
	control.Pool
	Mood     mood
	State    string
	Workload string // how many are busy; "?" where that is not known
	Waiting  string
	Ends     int // in the last hour
	Cells    []cell
	More     string // workers that have no cell
	Charts   []chart
	Trouble  []control.Trouble
	Reload   string // what became of the last reload
}

// cell is a worker, or a slot without one.
type cell struct {
	Class string
	Text  string // in the cell: since when it is busy
	Title string // in full
}

type eventView struct {
	ID     uint64
	At     string // for machines
	Clock  string
	Pool   string
	Text   string
	Bad    bool
	Output []string
	More   int    // events like it, right before it
	Since  string // when the first of them was
}

// maxCells bounds the size of the page: workers beyond it are counted.
const maxCells = 256

// shownEvents is how many of the last events the page has.
const shownEvents = 30

func newView(status *control.Status, history *History, events []supervisor.Event, now time.Time) view {
	v := view{Running: worker.Span(now.Sub(status.Supervisor.StartedAt)), Mood: good}
	counts := map[mood]int{}
	for _, p := range status.Pools {
		shown := newPoolView(p, history.last(p.Name, now), now)
		counts[shown.Mood]++
		v.Pools = append(v.Pools, shown)
	}
	slices.SortStableFunc(v.Pools, func(a, b poolView) int { return rank[a.Mood] - rank[b.Mood] })
	v.Verdict, v.Mood = verdict(counts, len(status.Pools))
	v.Events = lastEvents(events)
	return v
}

func verdict(counts map[mood]int, pools int) (string, mood) {
	switch {
	case counts[bad] > 0:
		return fmt.Sprintf("%d of %s in trouble", counts[bad], plural(pools, "pool")), bad
	case counts[busy] > 0:
		return fmt.Sprintf("%d of %s not quite well", counts[busy], plural(pools, "pool")), busy
	case counts[good] == 0:
		return "no pool is running", off
	case counts[off] > 0:
		return fmt.Sprintf("%s well, %d stopped", plural(counts[good], "pool"), counts[off]), good
	}
	return plural(pools, "pool") + ", all well", good
}

// lastEvents are the newest, first. A worker that fails again and again is told of
// once, with how often: else nothing but that would be seen.
func lastEvents(events []supervisor.Event) []eventView {
	var shown []eventView
	var before supervisor.Event
	for _, e := range slices.Backward(events) {
		if !newsworthy(e) {
			continue
		}
		if n := len(shown); n > 0 && e.Bad && e.Pool == before.Pool && e.Kind == before.Kind {
			shown[n-1].More++
			shown[n-1].ID = e.Seq // of the first: it stays the same line, and open, when more come
			shown[n-1].Since = clock(e.At)
		} else if n < shownEvents {
			shown = append(shown, newEventView(e))
		} else {
			break
		}
		before = e
	}
	return shown
}

// newsworthy: what every start and stop brings with it is not, nor the delay that
// a failure brings.
func newsworthy(e supervisor.Event) bool {
	return (e.Bad || e.Slot < 0) && e.Kind != supervisor.KindBackoff
}

func clock(t time.Time) string { return t.Format("15:04:05") }

func newEventView(e supervisor.Event) eventView {
	text := e.Text
	if e.Slot >= 0 {
		text = fmt.Sprintf("worker %d: %s", e.Slot, text)
	}
	return eventView{ID: e.Seq, At: e.At.UTC().Format(time.RFC3339), Clock: clock(e.At), Pool: e.Pool, Text: text, Bad: e.Bad, Output: e.Output}
}

func newPoolView(p control.Pool, hour []moment, now time.Time) poolView {
	v := poolView{Pool: p, State: p.State, Workload: "?", Waiting: "?"}
	if busyNow, known := p.Busy(); known {
		v.Workload = strconv.Itoa(busyNow)
	}
	if p.Queue != nil {
		v.Waiting = strconv.Itoa(*p.Queue)
	}
	v.Mood = moodOf(p)
	switch { // the state is running then, which says less
	case v.Mood == off || p.State == "backoff":
	case p.ProbeFails():
		v.State = "unhealthy"
	case p.QueueFull():
		v.State = "queue full"
	case p.Saturated():
		v.State = "saturated"
	case p.State == "running" && p.ReloadFailed():
		v.State = "reload failed"
	}
	v.Cells, v.More = cells(p, now)
	v.Charts = charts(hour)
	for _, m := range hour {
		v.Ends += m.ends
	}
	v.Trouble, v.Reload = p.Troubles(now), reloaded(p.LastReload, now)
	return v
}

func moodOf(p control.Pool) mood {
	answers := p.Ready > 0
	switch {
	case p.State == "stopped" || p.State == "stopping":
		return off
	case p.State == "backoff" || !answers && p.State != "starting", p.ProbeFails(), p.QueueFull():
		return bad
	case p.State != "running" || p.Saturated() || p.ReloadFailed():
		return busy
	}
	return good
}

func charts(hour []moment) []chart {
	return []chart{
		newChart("queue", hour, func(m moment) (int, bool) { return m.queue, m.looked }),
		newChart("busy", hour, func(m moment) (int, bool) { return m.busy, m.looked }),
		newChart("crashes", hour, func(m moment) (int, bool) { return m.ends, m.told }),
	}
}

// reloaded says what became of the last reload, unless it failed: that is a trouble.
func reloaded(r *control.Reload, now time.Time) string {
	switch {
	case r == nil:
		return ""
	case r.Result == nil:
		return fmt.Sprintf("generation %d on its way, asked for by %s", r.Generation, r.Asker())
	case *r.Result == "failed":
		return ""
	}
	return fmt.Sprintf("generation %d since %s ago, asked for by %s", r.Generation, ago(r.At, now), r.Asker())
}

// cells are the workers by slot, and the slots that have none.
func cells(p control.Pool, now time.Time) (shown []cell, more string) {
	held := map[int]bool{}
	for _, w := range p.Workers {
		held[w.Slot] = true
		shown = append(shown, newCell(w, now))
	}
	for slot := range p.Wanted {
		if !held[slot] {
			class := "missing"
			if p.State == "backoff" {
				class = "backoff"
			}
			shown = append(shown, cell{Class: class, Title: fmt.Sprintf("worker %d: %s", slot, map[string]string{"missing": "none", "backoff": "waiting to be started again"}[class])})
		}
	}
	if rest := len(shown) - maxCells; rest > 0 {
		return shown[:maxCells], fmt.Sprintf("and %d more", rest)
	}
	return shown, ""
}

func newCell(w control.Worker, now time.Time) cell {
	c := cell{Class: w.Phase, Title: fmt.Sprintf("worker %d: %s", w.Slot, w.Phase)}
	if w.Phase == "ready" && w.Busy != nil && *w.Busy {
		c.Class, c.Title = "occupied", fmt.Sprintf("worker %d: busy", w.Slot)
		if since := w.BusySince; since != nil && now.Sub(*since) >= time.Second {
			c.Text = short(now.Sub(*since))
			c.Title += " for " + worker.Span(now.Sub(*since))
		}
	}
	if w.PID != nil {
		c.Title += fmt.Sprintf(", pid %d", *w.PID)
	}
	if w.Phase != "ready" {
		c.Title += fmt.Sprintf(", generation %d", w.Generation)
	}
	if e := w.LastExit; e != nil {
		c.Title += "; the one before: " + e.Text
	}
	return c
}

// short is a length of time in three characters at most: 42s, 7m, 3h, 12d.
func short(d time.Duration) string {
	switch {
	case d < 100*time.Second:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 100*time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", min(d/(24*time.Hour), 999))
}

func ago(at, now time.Time) string { return worker.Span(max(0, now.Sub(at))) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
