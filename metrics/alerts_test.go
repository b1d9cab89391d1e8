package metrics

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The alerts and rules, by Prometheus's own tool. Not covered here: that they fire
// in a real Prometheus (e2e: TestPrometheus).

func promtool(t *testing.T, args ...string) {
	t.Helper()
	if output, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s (Debian's package prometheus): %v\n%s", strings.Join(args, " "), err, output)
	}
}

func TestRules(t *testing.T) {
	promtool(t, "check", "rules", "alerts/recording.yml", "alerts/alerts.yml")
	promtool(t, "test", "rules", "testdata/alerts_test.yml")
}

// TestEveryAlertIsWhole: it says how bad it is, what is the matter, and where to
// read on; and it is tested.
func TestEveryAlertIsWhole(t *testing.T) {
	text := read(t, "alerts/alerts.yml")
	runbook := read(t, "../docs/how-to/alerts.md")
	tests := read(t, "testdata/alerts_test.yml")
	alerts := regexp.MustCompile(`(?m)^      - alert: `).Split(text, -1)[1:]
	if len(alerts) < 7 {
		t.Fatalf("%d alerts were found: this test looks past them", len(alerts))
	}
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		for _, key := range []string{"severity: ", "summary: ", "description: ", "runbook_url: docs/how-to/alerts.md#" + strings.ToLower(name)} {
			if !strings.Contains(alert, key) {
				t.Errorf("%s has no %s", name, key)
			}
		}
		if !strings.Contains(runbook, "\n## "+name+"\n") {
			t.Errorf("%s has no section in docs/how-to/alerts.md", name)
		}
		if !strings.Contains(tests, name) {
			t.Errorf("%s is in no test", name)
		}
	}
}

// TestRulesUseNamesThatExist: a query for a name that nobody writes finds nothing,
// and never fires.
func TestRulesUseNamesThatExist(t *testing.T) {
	for _, path := range []string{"alerts/recording.yml", "alerts/alerts.yml"} {
		for _, name := range metricName.FindAllString(read(t, path), -1) {
			if !metricKnown(t, name) {
				t.Errorf("%s: there is no metric %s", path, name)
			}
		}
	}
}

var (
	metricName   = regexp.MustCompile(`\b(pool:)?fcgi_supervisor_[a-z_]+(:\w+)?`)
	variableName = regexp.MustCompile(`\$\{?(\w+)`)
)

// metricKnown: somebody writes it, a scrape or a rule.
func metricKnown(t *testing.T, name string) bool {
	t.Helper()
	if strings.HasPrefix(name, "pool:") {
		return strings.Contains(read(t, "alerts/recording.yml"), "record: "+name+"\n")
	}
	for _, f := range families {
		rest, ours := strings.CutPrefix(name, namespace+f.name)
		if ours && (rest == "" || f.kind == histogram && slices.Contains([]string{"_bucket", "_count", "_sum"}, rest)) {
			return true
		}
	}
	return false
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
