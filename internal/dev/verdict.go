package dev

import (
	"context"
	"fmt"

	"fcgi-supervisor/supervisor"
)

// failure is why the application cannot answer.
type failure struct {
	text   string
	output []string // its last lines
}

// judge says whether a request may be handed on, has to wait, or fails: the new
// version must be the one that answers, and a broken one must not hide behind the
// old, as it would in production.
func judge(p *supervisor.PoolStatus) (f *failure, wait bool) {
	r, last := p.LastReload, p.LastFailure
	pending := r != nil && r.Result == ""
	switch {
	// With nothing to fall back to, a reload is tried again and again.
	case p.Ready() == 0 && p.Failures > 0 && last != nil && (!pending || last.At.After(r.At)):
		return &failure{last.Text, last.Output}, false
	case pending:
		return nil, true
	case r != nil && r.Result == "failed":
		return &failure{r.Text, r.Output}, false
	}
	return nil, p.Ready() == 0
}

// settled waits until judge knows. A nil failure means that the application
// answers, or that nobody waits any more.
func settled(ctx context.Context, s *supervisor.Supervisor, pool string) *failure {
	for {
		_, changed := s.View() // before the look
		p := s.Snapshot().Pool(pool)
		if p == nil {
			return nil
		}
		if f, wait := judge(p); !wait {
			return f
		}
		select {
		case <-changed:
		case <-s.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// version differs whenever a page might look different: a browser that shows a
// failure asks for it.
func version(p *supervisor.PoolStatus) string {
	text := fmt.Sprintf("%d %d", p.Generation, p.Failures)
	if r := p.LastReload; r != nil {
		text += fmt.Sprintf(" %d %s %d", r.Generation, r.Result, r.At.UnixNano())
	}
	return text
}
