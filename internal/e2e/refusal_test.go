package e2e

// What `run` refuses on the real machine: one clear message, a failing exit
// code, nothing left and nothing of others touched. Not covered: mistakes inside
// the configuration, which package config tests one by one.

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestRunRefuses(t *testing.T) {
	// A child of ours that is not executed yet has our sockets too, and may come first.
	inUse := fmt.Sprintf(`in use by .*\bpid %d\b`, os.Getpid())
	type refusal struct {
		name string
		pool func(t *testing.T, folder string) pool // folder is for files of the case
		says string                                 // one line of the message, as a regular expression
	}
	for _, c := range []refusal{
		{"socket folder missing", func(t *testing.T, folder string) pool {
			return pool{listen: "unix:" + folder + "/none/app.sock"}
		}, `/none does not exist`},
		{"port taken", func(t *testing.T, folder string) pool {
			return pool{listen: "tcp:" + listener(t, "tcp", "127.0.0.1:0")}
		}, inUse},
		{"socket taken", func(t *testing.T, folder string) pool {
			return pool{listen: "unix:" + listener(t, "unix", folder+"/taken.sock")}
		}, `taken\.sock is ` + inUse},
		{"a file where the socket should be", func(t *testing.T, folder string) pool {
			return pool{listen: "unix:" + file(t, folder, "precious", "data", 0o644)}
		}, `precious.* not a socket`},
		{"user unknown", func(t *testing.T, folder string) pool {
			return pool{user: "nobody-of-that-name"}
		}, `user "?nobody-of-that-name`},
		{"command missing", func(t *testing.T, folder string) pool {
			return pool{command: []string{folder + "/missing"}}
		}, `/missing.*(does not exist|no such file)`},
		{"command not executable", func(t *testing.T, folder string) pool {
			return pool{command: []string{file(t, folder, "plain", "#!/bin/sh\n", 0o644)}}
		}, `/plain is not executable`},
		{"folder closed to the user", func(t *testing.T, folder string) pool {
			program := file(t, folder, "program", "#!/bin/sh\n", 0o755)
			if err := os.Chmod(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			return pool{command: []string{program}}
		}, `is not searchable by .*www-data`},
		{"wrong interpreter", func(t *testing.T, folder string) pool {
			return pool{command: []string{file(t, folder, "script", "#!/no/such/interpreter\n", 0o755)}}
		}, `#! line of .*/script: .*/no/such/interpreter`},
		{"line ends of another system", func(t *testing.T, folder string) pool {
			return pool{command: []string{file(t, folder, "script", "#!/bin/sh\r\necho\r\n", 0o755)}}
		}, `carriage return`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.pool(t, publicFolder(t))
			if p.command == nil {
				p.command = []string{filepath.Join(workers, "worker-c")}
			}
			s := prepare(t, p)
			s.refused(c.says, binary, "run", "--config", s.config())
		})
	}
}

func TestRunRefusesWithoutPermission(t *testing.T) {
	t.Parallel()
	folder := publicFolder(t)
	s := prepare(t, pool{command: []string{filepath.Join(workers, "worker-c")}, user: "nobody", listen: "unix:" + folder + "/app.sock"})
	giveTo(t, "nobody", s.config())
	giveTo(t, "nobody", s.folder)
	giveTo(t, "nobody", s.runtime())
	s.refused(regexp.QuoteMeta(folder)+`.*(permission denied|writable)`,
		"setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", binary, "run", "--config", s.config())
}

func TestRunRefusesTakenControlSocket(t *testing.T) {
	t.Parallel()
	s := prepare(t, pool{command: []string{filepath.Join(workers, "worker-c")}})
	file(t, s.runtime(), "control.sock", "data", 0o600)
	s.refused(`control\.sock.* not a socket`, binary, "run", "--config", s.config())
	if text, err := os.ReadFile(s.control()); string(text) != "data" {
		t.Errorf("the file in the way was touched: %q, %v", text, err)
	}
}

func TestRunRefusesSecondCopy(t *testing.T) {
	t.Parallel()
	first := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}})
	before := first.mustStatus().ready()
	o := runCommand(binary, "run", "--config", first.config())
	if want := fmt.Sprintf(`\b%d\b`, first.cmd.Process.Pid); o.code != 1 || !regexp.MustCompile(want).MatchString(o.stderr) {
		t.Errorf("second copy: exit %d, %q; want 1 and the pid of the first, %s", o.code, o.stderr, want)
	}
	if err := connect(first.socket); err != nil {
		t.Errorf("after the second copy the first's socket: %v", err)
	}
	if after := first.mustStatus().ready(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the second copy changed the workers of the first from %v to %v", before, after)
	}
}

// refused runs a command that must fail, say so in one line, and leave nothing.
func (s *supervisor) refused(says, command string, args ...string) {
	s.t.Helper()
	o := runCommand(command, args...)
	if o.code != 1 && o.code != 2 {
		s.t.Errorf("exit code %d, want 1 or 2", o.code)
	}
	matches := 0
	for line := range strings.Lines(o.stderr) {
		if regexp.MustCompile(says).MatchString(line) {
			matches++
		}
	}
	if matches != 1 || strings.Contains(o.stderr, "goroutine ") || strings.Count(o.stderr, "\n") > 3 {
		s.t.Errorf("want one line that matches %q, and at most a remedy beside it; said:\n%s", says, o.stderr)
	}
	if err := os.WriteFile(s.log(), []byte(o.stderr), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.proveNothingLeft()
}

// listener listens until the test ends, and tells where.
func listener(t *testing.T, network, address string) string {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func file(t *testing.T, folder, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}
