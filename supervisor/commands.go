package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fcgi-supervisor/worker"
)

// ErrUnknownPool: there is no pool with that name; the error's text lists those
// there are.
var ErrUnknownPool = errors.New("unknown pool")

// ErrEnded: the loop has ended and takes no more commands.
var ErrEnded = errors.New("the supervisor is shutting down")

// maxProcesses bounds scale as the configuration is bound.
const maxProcesses = 4096

// take notes what a command wants. Loop only.
func (s *Supervisor) take(c Command) receipt {
	if s.stopping {
		return receipt{err: ErrEnded}
	}
	answer := receipt{err: fmt.Errorf("%w %q; there are: %s", ErrUnknownPool, c.Pool, strings.Join(s.names(), ", "))}
	s.with(c.Pool, func(p *pool) {
		if p.leaving {
			answer.err = fmt.Errorf("%w %q: the configuration has it no more", ErrUnknownPool, c.Pool)
			return
		}
		what := string(c.Action)
		if c.Path != "" {
			what += " for " + c.Path
		}
		if c.Action == ActionScale {
			what = fmt.Sprintf("scale to %d", c.Processes)
		}
		p.say(s.now(), nil, Event{Kind: KindCommand, Text: what + ", asked by " + c.By})
		switch c.Action {
		case ActionStart:
			answer = s.start(p)
		case ActionStop:
			answer = s.stop(p)
		case ActionReload:
			answer = s.renew(p, p.cfg.Reload, c)
		case ActionRestart:
			way := ReloadRolling
			if c.AllAtOnce {
				way = ReloadRestart
			}
			answer = s.renew(p, way, c)
		case ActionScale:
			answer = s.scale(p, c.Processes)
		default:
			answer = receipt{err: fmt.Errorf("no such action: %q", c.Action)}
		}
	})
	return answer
}

func (s *Supervisor) names() []string {
	var names []string
	for _, p := range s.pools {
		names = append(names, p.cfg.Name)
	}
	return names
}

func (s *Supervisor) start(p *pool) receipt {
	if p.up && p.failures == 0 && p.whole() {
		return receipt{already: true, text: fmt.Sprintf("already running, %s ready", times(p.serving(), "worker"))}
	}
	p.up = true
	p.forgive()
	return receipt{}
}

// forgive clears a back-off: somebody has looked at it.
func (p *pool) forgive() {
	p.failures, p.delay, p.retryAt, p.strikes = 0, 0, time.Time{}, 0
}

// stop wins over a reload.
func (s *Supervisor) stop(p *pool) receipt {
	if p.state() == Stopped {
		p.up = false
		return receipt{already: true, text: "already stopped"}
	}
	p.abandonSwap()
	p.up, p.complete, p.candidate, p.atOnce = false, false, 0, false
	p.probe.failures, p.probe.unhealthy, p.probe.next = 0, false, time.Time{}
	p.forgive()
	p.finishReload(s.now(), "failed", "stopped meanwhile", nil)
	if p.postponed != nil {
		p.reload, p.postponed = p.postponed.status, nil
		p.finishReload(s.now(), "failed", "stopped meanwhile", nil)
	}
	return receipt{}
}

// renewal is a reload or restart that has been asked for.
type renewal struct {
	way    string
	status *ReloadStatus
}

// renew gives a new generation a number. One that is asked for while another is a
// candidate takes its place; the generation that serves is not touched.
func (s *Supervisor) renew(p *pool, way string, c Command) receipt {
	if !p.up {
		return s.start(p)
	}
	p.forgive()
	p.newest++
	r := &renewal{way, &ReloadStatus{Trigger: c.Trigger, Path: c.Path, Generation: p.newest, At: s.now()}}
	if p.swap == swapExposing { // which of the two serves is known in a moment
		p.postponed = r
	} else {
		p.begin(r)
	}
	return receipt{generation: p.newest}
}

// begin makes the new generation the candidate.
func (p *pool) begin(r *renewal) {
	p.abandonSwap()
	p.candidate, p.atOnce = r.status.Generation, r.way == ReloadRestart
	switch {
	case p.atOnce || p.serving() == 0: // nothing to keep until it has proved itself
		p.generation, p.candidate, p.proven = r.status.Generation, 0, false
	case r.way == ReloadSwap:
		p.swap = swapWanted
	case p.cfg.Probe.Interval > 0:
		p.beginTrial()
	}
	p.reload = r.status
}

func (s *Supervisor) scale(p *pool, processes int) receipt {
	if processes < 1 || processes > maxProcesses {
		return receipt{err: fmt.Errorf("scale %s to %d: the number of workers is 1 to %d; to have none: stop %s",
			p.cfg.Name, processes, maxProcesses, p.cfg.Name)}
	}
	before := p.processes
	p.processes = processes
	p.growSlots()
	p.complete = p.complete && before == processes
	p.say(s.now(), nil, Event{Kind: KindScaled, Text: fmt.Sprintf("from %d to %s", before, times(processes, "worker"))})
	if !p.up {
		return receipt{already: true, text: fmt.Sprintf("stopped; %s when it is started", times(processes, "worker"))}
	}
	return receipt{}
}

// Do implements Commander.
func (s *Supervisor) Do(ctx context.Context, c Command, progress func(string)) (Outcome, error) {
	reply := make(chan receipt, 1)
	asked := s.now()
	if !s.send(request{c, reply}) {
		return Outcome{}, ErrEnded
	}
	var r receipt
	select {
	case r = <-reply:
	case <-s.done:
		return Outcome{}, ErrEnded
	}
	if r.err != nil {
		return Outcome{}, r.err
	}
	if r.already {
		return Outcome{OK: true, Text: c.Pool + ": " + r.text}, nil
	}
	return s.await(ctx, c, r, asked, progress)
}

// await follows the published pictures until one shows the outcome.
func (s *Supervisor) await(ctx context.Context, c Command, r receipt, asked time.Time, progress func(string)) (Outcome, error) {
	said := ""
	for {
		v := s.view.Load()
		p := v.snapshot.Pool(c.Pool)
		if p == nil {
			return Outcome{}, fmt.Errorf("%w %q: it is gone", ErrUnknownPool, c.Pool)
		}
		if v.number >= r.view { // older ones know nothing of the command
			if o, known := outcome(c, r, asked, v.snapshot.At, p); known {
				return o, nil
			}
			if line := p.progress(); progress != nil && line != said {
				progress(line)
				said = line
			}
		}
		select {
		case <-v.changed:
		case <-ctx.Done():
			return Outcome{}, fmt.Errorf("%s: %s: gave up waiting after %s; it goes on (%s)",
				c.Pool, c.Action, worker.Span(s.now().Sub(asked)), p.progress())
		case <-s.done:
			return Outcome{}, ErrEnded
		}
	}
}

// outcome tells what became of a command, if the picture shows it.
func outcome(c Command, r receipt, asked, now time.Time, p *PoolStatus) (Outcome, bool) {
	took := " in " + worker.Span(now.Sub(asked))
	good := func(text string) (Outcome, bool) {
		return Outcome{OK: true, Text: p.Name + ": " + text + took}, true
	}
	if c.Action == ActionStop {
		if p.State == Stopped {
			return good("stopped")
		}
		return Outcome{}, false
	}
	if r.generation > 0 {
		return reloadOutcome(r, p, good)
	}
	if p.State == Stopped || p.State == Stopping && p.Wanted == 0 {
		return Outcome{Text: p.Name + ": stopped by another command meanwhile"}, true
	}
	if f := p.LastFailure; f != nil && f.At.After(asked) && p.Failures > 0 {
		return Outcome{Text: fmt.Sprintf("%s: %s", p.Name, f.describe()), Output: f.Output}, true
	}
	if p.State == Running && len(p.Workers) == p.Processes || p.State == Reloading && p.Ready() >= p.Wanted {
		return good(times(p.Ready(), "worker") + " ready")
	}
	return Outcome{}, false
}

func (f *Failure) describe() string {
	if f.Slot < 0 {
		return f.Text
	}
	return fmt.Sprintf("worker %d %s", f.Slot, f.Text)
}

func reloadOutcome(r receipt, p *PoolStatus, good func(string) (Outcome, bool)) (Outcome, bool) {
	last := p.LastReload
	switch {
	case last.Generation < r.generation || last.Result == "":
		if f := p.LastFailure; p.Failures > 0 && f != nil && f.At.After(last.At) && p.Ready() == 0 {
			return Outcome{Text: fmt.Sprintf("%s: %s", p.Name, f.describe()), Output: f.Output}, true
		}
		return Outcome{}, false
	case last.Result == "ok":
		return good(fmt.Sprintf("generation %d, %s ready", last.Generation, times(p.Ready(), "worker")))
	}
	return Outcome{Text: p.Name + ": " + last.failure(p.Generation, p.Ready()), Output: last.Output}, true
}

// progress is one line on where the pool stands: "3 of 5 workers ready, 2 starting".
func (p *PoolStatus) progress() string {
	counts := map[Phase]int{}
	for _, w := range p.Workers {
		counts[w.Phase]++
	}
	finishing := counts[PhaseDraining] + counts[PhaseStopping]
	if p.Wanted == 0 {
		return times(len(p.Workers), "worker") + " still finishing"
	}
	text := fmt.Sprintf("%d of %s ready", counts[PhaseReady], times(p.Wanted, "worker"))
	if n := counts[PhaseStarting]; n > 0 {
		text += fmt.Sprintf(", %d starting", n)
	}
	if finishing > 0 {
		text += fmt.Sprintf(", %d finishing", finishing)
	}
	return text
}

// Add makes a pool that the configuration has now; it is started at once. It
// returns when commands can be given to it, ctx ends or the loop has ended.
func (s *Supervisor) Add(ctx context.Context, cfg PoolConfig) {
	s.send(addPool{cfg})
	s.until(ctx, func(shown *Snapshot) bool { return shown.Pool(cfg.Name) != nil })
}

// Configure gives a pool its changed configuration. Its workers stay; a reload
// replaces them.
func (s *Supervisor) Configure(cfg PoolConfig) { s.send(configurePool{cfg}) }

// Remove stops a pool that the configuration has no more, and returns when it is
// gone, ctx ends or the loop has ended.
func (s *Supervisor) Remove(ctx context.Context, name string) {
	s.send(removePool{name})
	s.until(ctx, func(shown *Snapshot) bool { return shown.Pool(name) == nil })
}

// until waits for a published picture.
func (s *Supervisor) until(ctx context.Context, holds func(*Snapshot) bool) {
	for v := s.view.Load(); !holds(v.snapshot); v = s.view.Load() {
		select {
		case <-v.changed:
		case <-ctx.Done():
			return
		case <-s.done:
			return
		}
	}
}
