package boottest

// A machine, from outside. Not covered: nothing is tested here.

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	systemd = "systemd"
	sysv    = "sysv"

	bootTest = "../../.ci/boot-test"

	// patience bounds every wait. It is generous because it is reached only by a
	// test that fails.
	patience = 60 * time.Second
)

// machine is a Debian root that can be booted.
type machine struct {
	t    *testing.T // of the step under way
	kind string
	root string
	env  []string // for boot-test
}

// packagesOf are what is on machines of each kind: one root is made for all.
var packagesOf = map[string][]string{
	systemd: {"nginx-light", "php-cgi", "libpam-systemd", "passwd", "rpm"},
	sysv:    {"nginx-light", "php-cgi", "busybox", "logrotate"},
}

// newMachine is a bareMachine with the program in it.
func newMachine(t *testing.T, kind string, settings ...string) *machine {
	t.Helper()
	m := bareMachine(t, kind, settings...)
	m.put(binary, "/usr/bin/fcgi-supervisor")
	return m
}

// bareMachine has nginx and PHP, and is not booted yet. The settings are
// boot-test's.
func bareMachine(t *testing.T, kind string, settings ...string) *machine {
	t.Helper()
	folder, err := os.MkdirTemp("", "boottest-")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, kind: kind, root: filepath.Join(folder, "root"), env: settings}
	t.Cleanup(func() {
		m.t = t
		if t.Failed() {
			t.Logf("the console:\n%s", tail(m.try("log", m.root).text, 3000))
		}
		m.must("remove", m.root)
		os.RemoveAll(folder)
	})
	m.must(append([]string{"build", kind, m.root}, packagesOf[kind]...)...)
	m.write("/etc/nginx/conf.d/test.conf", read(t, "testdata/nginx.conf"))
	m.write("/srv/php/index.php", read(t, "testdata/index.php"))
	return m
}

// result is how a command ended.
type result struct {
	text string // standard output and error
	code int
}

// try runs boot-test, which bounds its own waits, for a while longer than these. A
// root that is not cached comes over the network.
func (m *machine) try(args ...string) result {
	limit := 3 * patience
	if args[0] == "build" {
		limit = 10 * patience
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, bootTest, args...)
	cmd.Env = append(os.Environ(), m.env...)
	// Through a file: what is started inside would keep a pipe open.
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	_ = cmd.Run() // its verdict is in ProcessState
	if cmd.ProcessState == nil {
		return result{"boot-test could not be run", -1}
	}
	return result{out.String(), cmd.ProcessState.ExitCode()}
}

func (m *machine) must(args ...string) string {
	m.t.Helper()
	r := m.try(args...)
	if r.code != 0 {
		m.t.Fatalf("boot-test %s: exit %d\n%s", strings.Join(args, " "), r.code, r.text)
	}
	return r.text
}

// Boot, reboot, pull the plug and boot again.
func (m *machine) boot()   { m.t.Helper(); m.must("start", m.kind, m.root) }
func (m *machine) reboot() { m.t.Helper(); m.must("reboot", m.kind, m.root) }
func (m *machine) crash()  { m.t.Helper(); m.must("crash", m.kind, m.root) }
func (m *machine) stop()   { m.t.Helper(); m.must("stop", m.kind, m.root) }

// exec runs a command inside.
func (m *machine) exec(command ...string) result {
	return m.try(append([]string{"exec", m.kind, m.root, "--"}, command...)...)
}

// run is exec for one that has to succeed.
func (m *machine) run(command ...string) string {
	m.t.Helper()
	r := m.exec(command...)
	if r.code != 0 {
		m.t.Fatalf("%s: exit %d\n%s%s", strings.Join(command, " "), r.code, r.text, m.logs())
	}
	return r.text
}

// sh runs a line of shell that has to succeed.
func (m *machine) sh(line string) string {
	m.t.Helper()
	return m.run("sh", "-c", line)
}

// logs is what the service has said last.
func (m *machine) logs() string {
	if m.kind == systemd {
		return "\nthe journal:\n" + m.exec("journalctl", "--no-pager", "-n", "30", "-u", "fcgi-supervisor").text
	}
	return "\nthe log:\n" + m.exec("tail", "-n", "30", "/var/log/fcgi-supervisor/fcgi-supervisor.log").text
}

// put copies a file in.
func (m *machine) put(from, to string) {
	m.t.Helper()
	m.must("install-file", m.root, from, to)
}

// write makes a file with that text.
func (m *machine) write(to, text string) {
	m.t.Helper()
	path := filepath.Join(m.t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
	m.put(path, to)
}

// step runs a part of a test; what follows makes no sense without it.
func (m *machine) step(name string, f func(t *testing.T)) {
	before := m.t
	ok := before.Run(name, func(t *testing.T) {
		m.t = t
		f(t)
	})
	m.t = before
	if !ok {
		before.FailNow()
	}
}

var initPID = regexp.MustCompile(`PID 1 is ([0-9]+) outside`)

// path is a file of the running machine, seen from outside.
func (m *machine) path(inside string) string {
	m.t.Helper()
	status := m.must("status", m.kind, m.root)
	found := initPID.FindStringSubmatch(status)
	if found == nil {
		m.t.Fatalf("boot-test status says %q", status)
	}
	return fmt.Sprintf("/proc/%s/root%s", found[1], inside)
}

// eventually asks until the condition holds; its last answer tells why not.
func eventually(t *testing.T, condition func() error) {
	t.Helper()
	pace := time.NewTicker(50 * time.Millisecond)
	defer pace.Stop()
	deadline := time.Now().Add(patience)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v still: %v", patience, err)
		}
		<-pace.C
	}
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// contains fails the step unless the text has all of these.
func (m *machine) contains(text string, wants ...string) {
	m.t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			m.t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}
