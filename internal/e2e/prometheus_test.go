package e2e

// Debian's Prometheus: starting one, asking it, and what is asked after a run. The
// run itself, and what is not covered, is in alerts_test.go.

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// prometheus is one that scrapes one supervisor.
type prometheus struct {
	t   *testing.T
	url string
}

func startPrometheus(t *testing.T, target string, flags ...string) *prometheus {
	t.Helper()
	folder, web := t.TempDir(), freePort(t)
	for name, text := range hurriedRules(t) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	config := fmt.Sprintf(`global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: ["*.yml"]
scrape_configs:
  - job_name: fcgi-supervisor
    static_configs: [{ targets: [%q] }]
`, target)
	if err := os.WriteFile(filepath.Join(folder, "prometheus.conf"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("prometheus", append(flags, "--config.file="+folder+"/prometheus.conf",
		"--storage.tsdb.path="+folder+"/data", "--web.listen-address="+web)...)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			t.Logf("Prometheus:\n%s", lastBytes(log.Name(), 3000))
		}
	})
	return &prometheus{t, "http://" + web}
}

// sample is one series of the answer to a query.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

func (s sample) value() string { return fmt.Sprint(s.Value[1]) }

func (p *prometheus) query(expr string) ([]sample, error) {
	response, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []sample }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", expr, answer.Error)
	}
	return answer.Data.Result, nil
}

// wantValue waits until the one series of a query has that value.
func (p *prometheus) wantValue(expr, want string) {
	p.t.Helper()
	eventually(p.t, func() error {
		got, err := p.query(expr)
		if err != nil || len(got) != 1 || got[0].value() != want {
			return fmt.Errorf("%s is %v (%v), want %s", expr, got, err, want)
		}
		return nil
	})
}

// pidsOf are the ready workers of a pool.
func (s *supervisor) pidsOf(pool string) map[int]int {
	s.t.Helper()
	text, err := s.get("/api/v1/pools/" + pool)
	if err != nil {
		s.t.Fatal(err)
	}
	var status statusJSON
	if err := json.Unmarshal(text, &status); err != nil {
		s.t.Fatal(err)
	}
	return status.Pools[0].ready()
}

// wantNothingWentBack: no counter that outlives the supervisor did.
func (p *prometheus) wantNothingWentBack() {
	p.t.Helper()
	response, err := http.Get(p.url + "/api/v1/label/__name__/values")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	var all struct{ Data []string }
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		p.t.Fatal(err)
	}
	looked := 0
	for _, name := range all.Data {
		if !counterName.MatchString(name) || name == "fcgi_supervisor_worker_cpu_seconds_total" { // of one worker
			continue
		}
		looked++
		found, err := p.query("resets(" + name + "[10m])")
		if err != nil || len(found) == 0 {
			p.t.Errorf("%s: %d series (%v)", name, len(found), err)
		}
		for _, c := range found {
			if c.value() != "0" {
				p.t.Errorf("%s%v went back %s times", name, c.Metric, c.value())
			}
		}
	}
	if looked < 13 {
		p.t.Errorf("only %d counters of %d series: this test looks past them", looked, len(all.Data))
	}
}

var counterName = regexp.MustCompile(`^fcgi_supervisor_\w+_(total|count|sum|bucket)$`)

// wantDashboards: every query of every panel and variable finds something.
func (p *prometheus) wantDashboards(pool string) {
	p.t.Helper()
	files, err := filepath.Glob("../../metrics/dashboards/*.json")
	if err != nil || len(files) < 2 {
		p.t.Fatalf("dashboards %q (%v)", files, err)
	}
	fill := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*", "$pool", pool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			p.t.Fatal(err)
		}
		var dashboard struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &dashboard); err != nil || len(dashboard.Panels) < 10 {
			p.t.Fatalf("%s: %d panels (%v)", file, len(dashboard.Panels), err)
		}
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				expr := fill.Replace(target.Expr)
				if since, is := strings.CutPrefix(expr, "time() - "); is { // nobody is busy any more
					expr = "last_over_time(" + since + "[10m])"
				}
				eventually(p.t, func() error { // rules have to be evaluated after the last start
					found, err := p.query(expr)
					if err == nil && len(found) == 0 {
						err = fmt.Errorf("%s, %s: nothing found by %s", filepath.Base(file), panel.Title, expr)
					}
					return err
				})
			}
		}
	}
}
