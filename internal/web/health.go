package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"fcgi-supervisor/internal/control"
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
// unhealthy; with ?verbose, of each, and who waits.
func (b *Backend) serveReady(w http.ResponseWriter, r *http.Request) {
	var seen *control.Status
	if r.URL.Query().Has("verbose") {
		seen = b.Status("")
	}
	text, ready := readiness(b.Supervisor.Snapshot(), seen)
	status := http.StatusOK
	if !ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, text)
}

// readiness judges; seen is nil unless each pool is to be described.
func readiness(s *supervisor.Snapshot, seen *control.Status) (text string, ready bool) {
	var lines strings.Builder
	ready = !s.Ending
	for _, p := range s.Pools {
		mark := "+"
		if p.Wanted > 0 && !p.Answers() {
			mark, ready = "-", false
		}
		if seen != nil {
			fmt.Fprintf(&lines, "[%s] %s: %s\n", mark, p.Name, describe(p, seen))
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
func describe(p *supervisor.PoolStatus, seen *control.Status) string {
	if p.Wanted == 0 {
		return string(p.State)
	}
	text := fmt.Sprintf("%s, %d of %d workers ready", p.State, p.Ready(), p.Wanted)
	if p.Unhealthy {
		text += ", the probe fails"
	}
	for _, now := range seen.Pools {
		if now.Name != p.Name {
			continue
		}
		if now.Saturated() {
			text += ", all busy"
		}
		if now.Queue != nil && *now.Queue > 0 {
			text += ", " + plural(*now.Queue, "connection") + " in the queue"
		}
		if now.QueueFull() {
			text += ", which is full"
		}
	}
	return text
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // that nobody reads it is his affair
}
