package e2e

// No counter goes back when the supervisor is killed or upgraded, whoever has been
// told of it. Not covered: the machine's own end, after which all begin at 0.

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// loseOwnLog has the supervisor's own log lose all of its lines.
var loseOwnLog = []string{"/bin/sh", "-c", `exec "$0" "$@" 2>/dev/full`}

func TestCountersNeverGoBack(t *testing.T) {
	t.Parallel()
	p := pool{processes: 3, tables: "[@.log]\noutput = \"file\"\nfile = \"/dev/full\""}
	s := prepare(t, p)
	s.deploy("shop", true)
	p.command = []string{s.folder + "/shop"}
	s.configure(p)
	s.again(loseOwnLog...)

	s.mustCommand("reload", s.pool)
	s.deploy("shop", false)
	if o := s.command("reload", s.pool); o.code != 1 {
		t.Fatalf("the reload of a broken program ended with %d: %s", o.code, o.stderr)
	}
	s.deploy("shop", true)
	s.mustCommand("scale", s.pool, "4")
	s.mustCommand("scale", s.pool, "3")
	eventually(t, func() error { return running(s.mustStatus()) })
	_ = syscall.Kill(s.mustStatus().ready()[0], syscall.SIGSEGV)
	s.waitFor(func(p poolJSON) error {
		if w, _ := p.worker(0); w.Restarts != 1 {
			return fmt.Errorf("worker 0: %+v", w)
		}
		return running(p)
	})
	told := s.writeLine(0)
	for _, moving := range []string{"log_lines_total", "log_lines_dropped_total", "own_log_lines_dropped_total", `reason="signal"`, `reason="scale"`,
		`reason="exit_nonzero"`, `trigger="api"`, `result="failed"`, "reload_duration_seconds_count", "worker_start_duration_seconds_bucket"} {
		if !told.move(moving) {
			t.Errorf("no %s has moved: this test looks past it", moving)
		}
	}
	for range 3 { // the loop knows nothing of a line, and none follows it that makes up for it
		told = s.writeLine(told.lines())
		s.crash()
		s.again(loseOwnLog...)
		told.mustNotBeLess(t, "after kill -9", s.mustCount())
		told = s.writeLine(told.lines())
		s.mustCommand("upgrade")
		s.waitRunning()
		told.mustNotBeLess(t, "after an upgrade", s.mustCount())
	}
}

// Whoever kills us the moment after an answer finds no less in the file: answers come
// faster here than the file is written, and nothing but lines happens.
func TestWhatIsToldIsWrittenDown(t *testing.T) {
	t.Parallel()
	s := startC(t)
	d := direct{network: "unix", address: s.socket}
	for range 50 {
		if err := d.ask(t.Context(), "/log?line=x", nil, -1, "logged"); err != nil {
			t.Fatal(err)
		}
		told := s.mustCount()[fmt.Sprintf("fcgi_supervisor_log_lines_total{pool=%q,stream=\"output\"}", s.pool)]
		var state struct {
			Pools map[string]struct{ Output struct{ Lines float64 } }
		}
		text, err := os.ReadFile(filepath.Join(s.runtime(), "state.json"))
		if err == nil {
			err = json.Unmarshal(text, &state)
		}
		if kept := state.Pools[s.pool].Output.Lines; err != nil || kept < told {
			t.Errorf("%g lines were told, %g are written down (%v)", told, kept, err)
		}
	}
	if n := s.mustCount()[fmt.Sprintf("fcgi_supervisor_log_lines_total{pool=%q,stream=\"output\"}", s.pool)]; n < 10 {
		t.Errorf("%g lines: this test looks past them", n)
	}
}

// writeLine has a worker write a line, and returns the counters that tell of it first.
func (s *supervisor) writeLine(before float64) (told counters) {
	s.t.Helper()
	s.mustCommand("request", s.pool, "/log?text=line")
	eventually(s.t, func() error {
		if told = s.mustCount(); told.lines() <= before {
			return fmt.Errorf("%g lines, as before", told.lines())
		}
		return nil
	})
	return told
}

// lines are those that the log has lost, which are counted last.
func (c counters) lines() (n float64) {
	for series, value := range c {
		if strings.HasPrefix(series, "fcgi_supervisor_log_lines_dropped_total") {
			n += value
		}
	}
	return n
}

// counters are the values of all counters, histograms' parts too, by series.
type counters map[string]float64

// mustCount reads them off a scrape.
func (s *supervisor) mustCount() counters {
	s.t.Helper()
	text, err := s.get("/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	found := counters{}
	kind := ""
	for line := range strings.Lines(string(text)) {
		if declared := regexp.MustCompile(`^# TYPE (\S+) (\S+)`).FindStringSubmatch(line); declared != nil {
			kind = declared[2]
		}
		if series := regexp.MustCompile(`^(fcgi_supervisor_.*) (\S+)\n$`).FindStringSubmatch(line); series != nil && kind != "gauge" {
			if found[series[1]], err = strconv.ParseFloat(series[2], 64); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return found
}

// move: a series that has the text in it is above 0.
func (c counters) move(text string) bool {
	for series, value := range maps.All(c) {
		if strings.Contains(series, text) && value > 0 {
			return true
		}
	}
	return false
}

func (c counters) mustNotBeLess(t *testing.T, when string, now counters) {
	t.Helper()
	for series, value := range c {
		if after, there := now[series]; !there || after < value {
			t.Errorf("%s: %s was %g, is %g", when, series, value, after)
		}
	}
}
