package control

import (
	"fmt"
	"time"

	"fcgi-supervisor/worker"
)

// Trouble is a reason why a pool is not as it should be.
type Trouble struct {
	Text   string
	Output []string // last lines of the worker that it is about
}

// Busy counts the ready workers that hold a connection; false: it is not known of
// one of them.
func (p *Pool) Busy() (busy int, known bool) {
	for _, w := range p.Workers {
		switch {
		case w.Phase != "ready":
		case w.Busy == nil:
			return 0, false
		case *w.Busy:
			busy++
		}
	}
	return busy, true
}

// Saturated: all workers are busy and clients wait.
func (p *Pool) Saturated() bool {
	busy, known := p.Busy()
	return known && p.Ready > 0 && busy == p.Ready && p.Queue != nil && *p.Queue > 0
}

// QueueFull: the kernel turns clients away, or is about to.
func (p *Pool) QueueFull() bool {
	return p.Queue != nil && p.Backlog != nil && *p.Queue > 0 && *p.Queue >= *p.Backlog
}

// ProbeFails: it has ready workers, and the probe has failed too often.
func (p *Pool) ProbeFails() bool {
	return p.Ready > 0 && !p.Healthy && (p.State == "running" || p.State == "reloading")
}

// ReloadFailed: what serves is not what was to be deployed.
func (p *Pool) ReloadFailed() bool {
	r := p.LastReload
	return r != nil && r.Result != nil && *r.Result == "failed"
}

// Troubles say in words why the pool is not as it should be now, worst first, and
// whether its last reload failed; nothing where all is well.
func (p *Pool) Troubles(now time.Time) (list []Trouble) {
	add := func(output []string, format string, values ...any) {
		list = append(list, Trouble{fmt.Sprintf(format, values...), output})
	}
	if f := p.LastFailure; p.State == "backoff" && f != nil {
		who := ""
		if f.Slot != nil {
			who = fmt.Sprintf("worker %d ", *f.Slot)
		}
		add(f.Output, "%s%s", who, f.Text)
		next := "starting now"
		if until := p.BackoffUntil; until != nil && until.After(now) {
			next = "next start in " + worker.Span(until.Sub(now))
		}
		add(nil, "%s in a row, %s", count(p.Failures, "failed start"), next)
	}
	if p.ProbeFails() {
		why := ""
		if l := p.LastProbe; l != nil && !l.OK {
			why = ": " + l.Text
		}
		add(nil, "the probe is not answered as it should be%s", why)
	}
	switch {
	case p.Saturated():
		who, full := fmt.Sprintf("all %d workers busy", p.Ready), ""
		if p.Ready == 1 {
			who = "its one worker is busy"
		}
		if p.QueueFull() {
			full = "; the queue is full"
		}
		add(nil, "%s, and %s%s", who, waiting(*p.Queue), full)
	case p.QueueFull():
		add(nil, "the queue is full: %s that no worker has accepted", count(*p.Queue, "connection"))
	}
	if r := p.LastReload; p.ReloadFailed() {
		add(r.Output, "generation %d was dropped %s ago (%s): %s", r.Generation, worker.Span(max(0, now.Sub(r.At))), r.Asker(), r.Text)
	}
	return list
}

// Asker is what a reload was asked for by.
func (r *Reload) Asker() string {
	switch {
	case r.Path != "":
		return "a change of " + r.Path
	case r.Trigger == "api":
		return "a command"
	case r.Trigger == "signal":
		return "a signal"
	}
	return r.Trigger
}

func waiting(n int) string {
	if n == 1 {
		return "1 more connection waits"
	}
	return fmt.Sprintf("%d more connections wait", n)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
