package metrics

import (
	"os"
	"os/exec"
	"regexp"
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
	known := map[string]bool{}
	for _, f := range families {
		known[namespace+f.name] = true
		if f.kind == histogram {
			known[namespace+f.name+"_bucket"], known[namespace+f.name+"_count"], known[namespace+f.name+"_sum"] = true, true, true
		}
	}
	for _, path := range []string{"alerts/recording.yml", "alerts/alerts.yml"} {
		for _, name := range regexp.MustCompile(`\bfcgi_supervisor_[a-z_]+`).FindAllString(read(t, path), -1) {
			if !known[name] && !strings.Contains(read(t, "alerts/recording.yml"), "record: pool:"+name+":") {
				t.Errorf("%s: there is no metric %s", path, name)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
