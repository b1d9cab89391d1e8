package metrics

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"fcgi-supervisor/internal/share"
)

// NewHandler answers scrapes, as text, OpenMetrics or protocol buffers (which carry
// the native histograms), compressed for whoever wants that.
func NewHandler(s Source, log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(&gatherer{registry: newRegistry(s)}, promhttp.HandlerOpts{
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelError),
		ErrorHandling:     promhttp.ContinueOnError,
		EnableOpenMetrics: true,
	})
}

// newRegistry has our metrics and the usual ones of a process about ourselves.
func newRegistry(s Source) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{s}, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// gatherer has scrapes that come together share what was gathered. The handler's
// own CoalesceGather is not used: with it a client that does not read its answer
// gives all others the same old one until it has gone.
type gatherer struct {
	registry *prometheus.Registry
	shared   share.Next[gathered]
}

type gathered struct {
	families []*dto.MetricFamily
	err      error
}

// Gather implements prometheus.Gatherer.
func (g *gatherer) Gather() ([]*dto.MetricFamily, error) {
	all := g.shared.Do(func() gathered {
		families, err := g.registry.Gather()
		return gathered{families, err}
	})
	return all.families, all.err
}
