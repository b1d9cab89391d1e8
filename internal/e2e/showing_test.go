package e2e

// The commands that show and try: logs, events, request. Not covered: the colours
// of a terminal.

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestLogsAndEvents(t *testing.T) {
	t.Parallel()
	s := startC(t)
	f := nginx(t, "unix:"+s.socket, "")
	followed := s.follow("logs", "-f", s.pool)
	f.must(http.MethodGet, "/log?text=first", nil)
	eventually(t, func() error { return holds(followed, "first") })
	f.must(http.MethodGet, "/log?text=second", nil)
	eventually(t, func() error { return holds(followed, "second") })
	if text := s.mustCommand("logs", s.pool, "-n", "1"); !strings.Contains(text, "second") || strings.Contains(text, "first") {
		t.Errorf("logs -n 1 says %q", text)
	}

	kinds := map[string]int{}
	for _, e := range decodeEvents(t, s.mustCommand("events", s.pool, "--output", "json")) {
		if e.Slot != nil {
			kinds[e.Kind]++
		}
	}
	want := map[string]int{"started": 5, "ready": 5}
	if !maps.Equal(kinds, want) {
		t.Errorf("events: %v, want %v", kinds, want)
	}
	changes := s.follow("events", "-f", s.pool)
	s.mustCommand("scale", s.pool, "6")
	eventually(t, func() error { return holds(changes, "6 workers ready") })
}

// follow runs a command that goes on until the test ends; its output goes to the
// file whose path is returned.
func (s *supervisor) follow(args ...string) string {
	s.t.Helper()
	out, err := os.CreateTemp(s.folder, "follow-")
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(binary, append(args, "--control", s.control())...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return out.Name()
}

func holds(path, text string) error {
	content, err := os.ReadFile(path)
	if err == nil && !strings.Contains(string(content), text) {
		err = fmt.Errorf("%q is not in %q", text, content)
	}
	return err
}

func TestRequest(t *testing.T) {
	t.Parallel()
	s := startC(t)
	pid, err := strconv.Atoi(strings.TrimSpace(s.mustCommand("request", s.pool, "/pid")))
	if err != nil {
		t.Fatal(err)
	}
	slots := s.mustStatus().ready()
	if !hasValue(slots, pid) {
		t.Errorf("pid %d answered, status has %v", pid, slots)
	}
	if got := s.mustCommand("request", s.pool, "/mirror", "-X", "POST", "-d", "a body"); got != "a body" {
		t.Errorf("the body came back as %q", got)
	}
	o := runCommand(binary, "request", "unix:"+s.socket, "/pid", "-v")
	if o.code != 0 || !strings.Contains(o.stderr, "X-Pid: "+o.stdout) {
		t.Errorf("request ADDR -v: exit %d, stdout %q, stderr %q", o.code, o.stdout, o.stderr)
	}
}

func hasValue(m map[int]int, want int) bool {
	for _, value := range m {
		if value == want {
			return true
		}
	}
	return false
}
