package supervisor

import (
	"fmt"
	"time"

	"fcgi-supervisor/worker"
)

func (p *pool) dropCandidate(f Failure) {
	p.lastFailure = &f
	p.abandonSwap()
	p.candidate = 0
	p.finishReload(f.At, "failed", f.Text, f.Output)
}

// reloading: a reload or restart has been asked for and its outcome is open.
func (p *pool) reloading() bool { return p.reload != nil && p.reload.Result == "" }

func (p *pool) finishReload(at time.Time, result, text string, output []string) {
	if !p.reloading() {
		return
	}
	done := *p.reload // published ones are never written to
	done.Result, done.Text, done.Output, done.Took = result, text, output, at.Sub(done.At)
	p.reload = &done
	p.tally.reload(done.Trigger, result, done.Took)
	if result == "ok" {
		p.say(at, nil, Event{Kind: KindReload, Text: fmt.Sprintf("generation %d serves, %s after the request", p.generation, worker.Span(done.Took))})
		return
	}
	p.say(at, nil, Event{Kind: KindReload, Bad: true, Output: output, Text: done.failure(p.generation, p.serving())})
}

// failure says that the reload failed, and what serves instead.
func (r *ReloadStatus) failure(generation, serving int) string {
	if serving == 0 {
		return fmt.Sprintf("generation %d dropped: %s", r.Generation, r.Text)
	}
	return fmt.Sprintf("generation %d dropped, generation %d serves on: %s", r.Generation, generation, r.Text)
}
