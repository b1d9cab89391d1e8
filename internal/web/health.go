package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"fcgi-supervisor/supervisor"
)

// loopGrace is how long the loop may take to answer. It answers within microseconds
// unless it is stuck, or the machine is.
const loopGrace = 900 * time.Millisecond

// serveLive asks the loop itself, which answers or does not.
func (b *Backend) serveLive(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), loopGrace)
	defer cancel()
	if err := b.Supervisor.Ping(ctx); err != nil {
		answer(w, http.StatusServiceUnavailable, "not alive: "+err.Error()+"\n")
		return
	}
	answer(w, http.StatusOK, "ok\n")
}

// serveReady tells whether every pool that is wanted has a ready worker and is not
// unhealthy; with ?verbose, of each.
func (b *Backend) serveReady(w http.ResponseWriter, r *http.Request) {
	text, ready := readiness(b.Supervisor.Snapshot(), r.URL.Query().Has("verbose"))
	status := http.StatusOK
	if !ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, text)
}

func readiness(s *supervisor.Snapshot, verbose bool) (text string, ready bool) {
	var lines strings.Builder
	ready = !s.Ending
	for _, p := range s.Pools {
		mark := "+"
		if p.Wanted > 0 && !p.Answers() {
			mark, ready = "-", false
		}
		if verbose {
			fmt.Fprintf(&lines, "[%s] %s: %s\n", mark, p.Name, describe(p))
		}
	}
	verdict := "ok"
	switch {
	case s.Ending:
		verdict = "not ready: the supervisor is stopping"
	case !ready:
		verdict = "not ready"
	}
	return lines.String() + verdict + "\n", ready
}

// describe is a pool's state in a few words: "backoff, 0 of 5 workers ready".
func describe(p *supervisor.PoolStatus) string {
	if p.Wanted == 0 {
		return string(p.State)
	}
	text := fmt.Sprintf("%s, %d of %d workers ready", p.State, p.Ready(), p.Wanted)
	if p.Unhealthy {
		text += ", the probe fails"
	}
	return text
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // that nobody reads it is his affair
}
