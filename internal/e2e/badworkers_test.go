package e2e

// Workers that misbehave: the supervisor stays, says why, and leaves nothing.
// Not covered: how the delay between starts grows over minutes; package
// supervisor tests that on virtual time.

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// begin runs a supervisor whose pool cannot be expected to come up.
func begin(t *testing.T, p pool) *supervisor {
	t.Helper()
	s := prepare(t, p)
	s.run(binary, "run", "--config", s.config())
	return s
}

func TestNeverReady(t *testing.T) {
	for _, c := range []struct {
		name    string
		command []string
		says    string
	}{
		{"exits at once", []string{"/bin/sh", "-c", "echo cannot find the module >&2; exit 3"}, `exit code 3.*cannot find the module`},
		{"exits at once with 0", []string{"/bin/true"}, `exit code 0`},
		{"closes its socket", []string{"/bin/sh", "-c", "exec 0<&-; exec sleep 1000"}, `never seen waiting for a connection`},
		{"never accepts", []string{"/bin/sleep", "1000"}, `never seen waiting for a connection`},
		{"daemonises", []string{"/usr/bin/setsid", "--fork", "/bin/sleep", "1000"}, `exit code 0.*made itself a daemon`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := begin(t, pool{command: c.command, processes: 2, keys: `start_timeout = "300ms"`})
			s.waitFor(func(p poolJSON) error {
				text, err := s.rawStatus()
				switch {
				case err != nil:
					return err
				case p.State != "backoff" || p.BackoffUntil == nil:
					return fmt.Errorf("state %s, want backoff and until when", p.State)
				case !regexp.MustCompile("(?s)" + c.says).Match(text):
					return fmt.Errorf("status does not say %q: %s", c.says, text)
				}
				return nil
			})
			if err := connect(s.socket); err != nil {
				t.Errorf("the socket must stay bound: %v", err)
			}
		})
	}
}

// TestBackoffGrows reads the first starts of a pool from its events: none may
// come sooner than the delay that doubles from 100 ms, less the jitter of 10 %.
func TestBackoffGrows(t *testing.T) {
	t.Parallel()
	const starts = 5
	s := begin(t, pool{command: []string{"/bin/false"}, processes: 1})
	var times []time.Time
	eventually(t, func() error {
		o := s.command("events", "--output", "json")
		times = times[:0]
		for _, e := range decodeEvents(t, o.stdout) {
			if e.Kind == "started" {
				times = append(times, e.At)
			}
		}
		if len(times) < starts {
			return fmt.Errorf("%d starts in the events, want %d: exit %d %s", len(times), starts, o.code, o.stderr)
		}
		return nil
	})
	delay := 100 * time.Millisecond
	for i := 1; i < starts; i++ {
		if gap := times[i].Sub(times[i-1]); gap < delay*9/10 {
			t.Errorf("start %d came %v after the one before, want at least %v", i+1, gap, delay*9/10)
		}
		delay *= 2
	}
}

type eventJSON struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Slot *int      `json:"slot"` // null: not about one worker
}

// decodeEvents reads one JSON object after the other.
func decodeEvents(t *testing.T, text string) []eventJSON {
	t.Helper()
	var events []eventJSON
	for line := range strings.Lines(text) {
		var e eventJSON
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("event %q: %v", line, err)
		}
		events = append(events, e)
	}
	return events
}

// TestStubborn stops a pool of workers that, like their children, hear nothing.
func TestStubborn(t *testing.T) {
	t.Parallel()
	s := start(t, pool{
		command:   []string{"/usr/bin/perl", filepath.Join(workers, "stubborn.pl")},
		processes: 2,
		keys:      `stop_timeout = "500ms"`,
	})
	eventually(t, func() error {
		if n := len(s.poolProcesses()); n != 6 {
			return fmt.Errorf("%d processes, want 2 workers with 2 children each", n)
		}
		return nil
	})
	s.mustCommand("stop", s.pool)
	if left := s.poolProcesses(); len(left) > 0 {
		t.Errorf("left after stop: %v", left)
	}
	if p := s.mustStatus(); p.State != "stopped" || len(p.Workers) != 0 {
		t.Errorf("state %s with workers %v, want stopped with none", p.State, p.Workers)
	}
}

// poolProcesses are the workers and all their descendants.
func (s *supervisor) poolProcesses() []int {
	return processesWith("FCGI_SUPERVISOR_POOL="+s.pool+"\x00", "\x00none\x00")
}

func TestBinaryNoise(t *testing.T) {
	t.Parallel()
	s := start(t, pool{command: []string{"/usr/bin/perl", filepath.Join(workers, "noise.pl")}, processes: 2})
	f := nginx(t, "unix:"+s.socket, "")
	before := s.mustStatus().ready()
	for range 20 {
		f.must(http.MethodGet, "/", nil)
	}
	if after := s.mustStatus().ready(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("workers were %v, are %v", before, after)
	}
	eventually(t, func() error {
		if text := s.mustCommand("logs", s.pool); !strings.Contains(text, "\xff\xfe") {
			return fmt.Errorf("the bytes FF FE are not in the logs, %d bytes", len(text))
		}
		return nil
	})
}

// TestDiskFull gives the workers a log on a full disk: they must not notice, and
// the supervisor complains once, not once a line.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := start(t, pool{
		command: []string{filepath.Join(workers, "worker-c")},
		tables:  "[@.log]\noutput = \"file\"\nfile = \"/dev/full\"",
	})
	f := nginx(t, "unix:"+s.socket, "")
	for i := range 50 {
		f.must(http.MethodGet, fmt.Sprintf("/log?text=line-%d", i), nil)
	}
	eventually(t, func() error {
		if !strings.Contains(s.mustCommand("logs", s.pool), "line-49") {
			return fmt.Errorf("line-49 is not in logs")
		}
		text, err := os.ReadFile(s.log())
		if n := strings.Count(string(text), "no space left on device"); err == nil && n != 1 {
			err = fmt.Errorf("%d complaints in the supervisor's log, want 1", n)
		}
		return err
	})
	if err := running(s.mustStatus()); err != nil {
		t.Error(err)
	}
}
