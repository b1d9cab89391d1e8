package metrics

import (
	"bytes"
	"flag"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"log/slog"

	"fcgi-supervisor/supervisor"
)

// What a scrape says of a known look: compared with a golden file, judged by
// promlint and by promtool. Not covered here: whether the look is true (executor,
// the end-to-end tests).

var update = flag.Bool("update", false, "write testdata/scrape.txt anew")

func scrapeOf(t *testing.T, accept string) (text, kind string) {
	t.Helper()
	request := httptest.NewRequest("GET", "/metrics", nil)
	request.Header.Set("Accept", accept)
	answer := httptest.NewRecorder()
	NewHandler(exampleSource(), slog.New(slog.DiscardHandler)).ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String(), answer.Header().Get("Content-Type")
}

// ours is the text without what depends on this process.
func ours(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, namespace) {
			kept = append(kept, strings.ReplaceAll(line, runtime.Version(), "go1.X"))
		}
	}
	return strings.Join(kept, "")
}

func TestScrapeOfAKnownLook(t *testing.T) {
	text, _ := scrapeOf(t, "text/plain")
	got := ours(text)
	const golden = "testdata/scrape.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (go test ./metrics -update writes it anew):\n%s", golden, got)
	}
}

// TestNames: every name of the interface is there, and no other.
func TestNames(t *testing.T) {
	text, err := os.ReadFile("testdata/interface.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, name := range strings.Fields(string(text)) {
		want[name] = true
	}
	for _, f := range families {
		if !want[f.name] {
			t.Errorf("%s is not in testdata/interface.txt", f.name)
		}
		delete(want, f.name)
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}

func TestPromlint(t *testing.T) {
	problems, err := testutil.GatherAndLint(newRegistry(exampleSource()))
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	pedantic := prometheus.NewPedanticRegistry()
	pedantic.MustRegister(collector{exampleSource()})
	if _, err := pedantic.Gather(); err != nil {
		t.Error(err)
	}
}

// TestPromtool has Prometheus's own tool judge a scrape.
func TestPromtool(t *testing.T) {
	text, _ := scrapeOf(t, "text/plain")
	promtool := exec.Command("promtool", "check", "metrics")
	promtool.Stdin = strings.NewReader(text)
	if output, err := promtool.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics (Debian's package prometheus): %v\n%s", err, output)
	}
}

func TestOpenMetricsHasNoCreatedSeries(t *testing.T) {
	text, kind := scrapeOf(t, "application/openmetrics-text; version=1.0.0")
	if !strings.HasPrefix(kind, "application/openmetrics-text") || !strings.HasSuffix(text, "# EOF\n") {
		t.Fatalf("not OpenMetrics: %s", kind)
	}
	if strings.Contains(text, "_created") {
		t.Error("_created series multiply what is stored")
	}
}

// TestUnknownIsAbsent: 0 would be a lie.
func TestUnknownIsAbsent(t *testing.T) {
	text, _ := scrapeOf(t, "text/plain")
	for _, name := range []string{"pool_listen_queue", "pool_connections", "probe_success", "probe_duration_seconds"} {
		if strings.Contains(text, namespace+name+`{pool="broken"`) {
			t.Errorf("%s of a pool of which it is not known", name)
		}
	}
	if !strings.Contains(text, `probe_success{pool="blog"} 1`) {
		t.Error("probe_success of the pool that has a probe is missing")
	}
}

// TestSeriesAreLimitedToSlots: old workers, candidates and slots that were given up
// have no series of their own, and no pid is a label.
func TestSeriesAreLimitedToSlots(t *testing.T) {
	text, _ := scrapeOf(t, "text/plain")
	series := regexp.MustCompile(`(?m)^fcgi_supervisor_worker_resident_memory_bytes.*$`).FindAllString(text, -1)
	want := `fcgi_supervisor_worker_resident_memory_bytes{pool="blog",worker="1"} 1.2582918e+07` // of worker 6, the ready one
	if len(series) != 3 || series[1] != want {
		t.Errorf("series %q, want one for each of 3 slots, and %s", series, want)
	}
}

// TestNativeBucketsAreThoseOfClientGolang: what we count ourselves is counted as
// the library counts.
func TestNativeBucketsAreThoseOfClientGolang(t *testing.T) {
	library := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x", Help: "x", Buckets: supervisor.HistogramBounds,
		NativeHistogramBucketFactor: 1.1, NativeHistogramZeroThreshold: zeroThreshold})
	var own supervisor.Histogram
	for d := 100 * time.Microsecond; d < time.Hour; d += d/7 + 1 {
		library.Observe(d.Seconds())
		own.Observe(d)
	}
	var want, got dto.Metric
	if err := library.Write(&want); err != nil {
		t.Fatal(err)
	}
	if err := newHistogram(startDuration, &own, "blog").Write(&got); err != nil {
		t.Fatal(err)
	}
	a, b := want.GetHistogram(), got.GetHistogram()
	if a.GetSchema() != b.GetSchema() || a.GetSampleCount() != b.GetSampleCount() || math.Abs(a.GetSampleSum()-b.GetSampleSum()) > 1e-6 {
		t.Errorf("schema %d, count %d, sum %g; the library has %d, %d, %g",
			b.GetSchema(), b.GetSampleCount(), b.GetSampleSum(), a.GetSchema(), a.GetSampleCount(), a.GetSampleSum())
	}
	for i, bucket := range a.GetBucket() {
		if got := b.GetBucket()[i]; got.GetCumulativeCount() != bucket.GetCumulativeCount() || got.GetUpperBound() != bucket.GetUpperBound() {
			t.Errorf("bucket %v, the library has %v", got, bucket)
		}
	}
	for i, n := range counted(a) {
		if counted(b)[i] != n {
			t.Errorf("native bucket %d has %d, the library has %d", i, counted(b)[i], n)
		}
	}
}

// counted are the native buckets that hold something.
func counted(h *dto.Histogram) map[int32]int64 {
	found := map[int32]int64{}
	index, delta, count := int32(0), 0, int64(0)
	for _, span := range h.GetPositiveSpan() {
		index += span.GetOffset()
		for range span.GetLength() {
			count += h.GetPositiveDelta()[delta]
			if count != 0 {
				found[index] = count
			}
			delta, index = delta+1, index+1
		}
	}
	return found
}

func TestReferenceNamesAll(t *testing.T) {
	page := Reference()
	for _, f := range families {
		if !strings.Contains(page, "| `"+namespace+f.name+"` | "+string(f.kind)) {
			t.Errorf("%s is not in the reference", f.name)
		}
	}
}

// BenchmarkScrape is what a scrape costs beside the look: 8 pools of 64 workers.
func BenchmarkScrape(b *testing.B) {
	look := example()
	blog := look.Snapshot.Pools[1]
	pool := *blog
	pool.Workers, pool.Slots = nil, make([]*supervisor.SlotStatus, 64)
	for slot := range 64 {
		w := *blog.Workers[0]
		w.Slot = slot
		pool.Workers = append(pool.Workers, &w)
	}
	look.Snapshot.Pools = nil
	for _, name := range strings.Fields("a b c d e f g h") {
		p := pool
		p.Name = name
		look.Snapshot.Pools = append(look.Snapshot.Pools, &p)
		look.Observation.Pools[name] = look.Observation.Pools["blog"]
	}
	source := exampleSource()
	source.Look = func() *supervisor.Look { return look }
	handler := NewHandler(source, slog.New(slog.DiscardHandler))
	var size int
	for b.Loop() {
		answer := httptest.NewRecorder()
		answer.Body = &bytes.Buffer{}
		handler.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
		size = answer.Body.Len()
	}
	b.ReportMetric(float64(size), "bytes/scrape")
}
