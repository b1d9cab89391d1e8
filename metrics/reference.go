package metrics

import (
	"fmt"
	"strconv"
	"strings"

	"fcgi-supervisor/supervisor"
)

// Reference is the Markdown page docs/reference/metrics.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Metrics\n\n" +
		"<!-- Generated from metrics/names.go; change it there. -->\n\n" +
		"`/metrics` at the address of `[http]`, and on the control socket, answers Prometheus as text, OpenMetrics or\n" +
		"protocol buffers. Each scrape is one look at the kernel's tables; between scrapes nothing is done for it. What the\n" +
		"kernel does not tell, for want of permission, is absent and never 0. [monitoring.md](../how-to/monitoring.md) has the\n" +
		"set-up, and rules, alerts and dashboards to go with it.\n\n" +
		"Counters outlive a crash and an upgrade of the supervisor: what a scrape was told is written down first. Lines of\n" +
		"output that came in after that and before a crash may be missing from their counts. A stop of the supervisor, and\n" +
		"the machine's own, begin all of them at 0. A pool that the configuration has no more has no series.\n\n" +
		"| name | type | labels | meaning |\n|---|---|---|---|\n")
	for _, f := range families {
		labels := strings.Join(f.labels, ", ")
		text := f.help
		if f.note != "" {
			text += " " + f.note
		}
		fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s |\n", namespace, f.name, f.kind, labels, text)
	}
	b.WriteString("\nThe usual `process_*` metrics of [client_golang](https://github.com/prometheus/client_golang) tell of the supervisor\n" +
		"itself. Classic buckets of the histograms end at " + bounds() + " s; native ones\n" +
		"(`--enable-feature=native-histograms` of Prometheus) grow by 9 % each.\n")
	return b.String()
}

func bounds() string {
	var all []string
	for _, bound := range supervisor.HistogramBounds {
		all = append(all, strconv.FormatFloat(bound, 'g', -1, 64))
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " and " + all[last]
}
