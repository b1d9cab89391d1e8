package web

import (
	"encoding/json"
	"net/http"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/supervisor"
)

// Backend is what is told about.
type Backend struct {
	Supervisor *supervisor.Supervisor
	Status     func(pool string) *control.Status // looks; the empty name is all pools
	Metrics    http.Handler
	History    *History
}

// Routes are all pages, by the pattern of http.ServeMux that they answer to. The
// control socket has them too.
func Routes(b Backend) map[string]http.Handler {
	p := newPage(b)
	return map[string]http.Handler{
		"GET /livez":         http.HandlerFunc(b.serveLive),
		"GET /readyz":        http.HandlerFunc(b.serveReady),
		"GET /metrics":       b.Metrics,
		"GET /{$}":           http.HandlerFunc(p.serve),
		"GET /live":          http.HandlerFunc(p.serveChanges),
		"GET /assets/{name}": http.HandlerFunc(p.serveAsset),
	}
}

// servePools answers as the control socket does, which has this page already.
func (b *Backend) servePools(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(b.Status("")) // that nobody reads it is his affair
}

// handler is all that clients of [http] reach.
func handler(b Backend) http.Handler {
	mux := http.NewServeMux()
	for pattern, page := range Routes(b) {
		mux.Handle(pattern, page)
	}
	mux.HandleFunc("GET /api/v1/pools", b.servePools)
	return mux
}
