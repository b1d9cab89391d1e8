package supervisor

import (
	"context"
	"fmt"
	"time"

	"fcgi-supervisor/worker"
)

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
	return s.await(ctx, c, r, asked, progress)
}

// await follows the published pictures until one shows the outcome.
func (s *Supervisor) await(ctx context.Context, c Command, r receipt, asked time.Time, progress func(string)) (Outcome, error) {
	said := ""
	for {
		v := s.view.Load()
		p := v.snapshot.Pool(c.Pool)
		if v.number >= r.view { // older ones know nothing of the command
			if r.already {
				return Outcome{OK: true, Text: c.Pool + ": " + r.text}, nil
			}
			if p == nil {
				return Outcome{}, fmt.Errorf("%w %q: it is gone", ErrUnknownPool, c.Pool)
			}
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
	if p == nil {
		return "not begun"
	}
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
