package metrics

import "github.com/prometheus/client_golang/prometheus"

// namespace is the prefix of all names of ours.
const namespace = "fcgi_supervisor_"

// kind is the type of a metric as Prometheus knows it.
type kind string

const (
	gauge     kind = "gauge"
	counter   kind = "counter"
	histogram kind = "histogram"
)

// family is one metric: all that anybody knows about its name.
type family struct {
	name   string // without the namespace
	kind   kind
	labels []string
	help   string // what it counts, and its unit; the text that a scrape shows
	note   string // what a reader of the reference wants to know besides; may be empty
	desc   *prometheus.Desc
}

// families are in the order of the reference page.
var families []*family

func define(k kind, name, help, note string, labels ...string) *family {
	f := &family{name: name, kind: k, labels: labels, help: help, note: note,
		desc: prometheus.NewDesc(namespace+name, help, labels, nil)}
	families = append(families, f)
	return f
}

// valueType is what a constant metric of the kind is made with.
func (f *family) valueType() prometheus.ValueType {
	if f.kind == counter {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}
