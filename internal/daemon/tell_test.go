package daemon_test

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fcgi-supervisor/internal/control"
)

// What is told to a service manager, and when. Not covered: what systemd makes of
// it (internal/boottest).

// manager plays systemd for one program. It is read by the test alone.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	path string
	said []string // datagrams so far
}

func newManager(t *testing.T, p *program, environment ...string) *manager {
	t.Helper()
	m := &manager{t: t, path: filepath.Join(t.TempDir(), "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	m.conn = conn
	p.env = append(p.env, append(environment, "NOTIFY_SOCKET="+m.path)...)
	return m
}

// next waits for the next datagram that has this line, and returns it.
func (m *manager) next(line string) string {
	m.t.Helper()
	text := make([]byte, 1<<16)
	for {
		if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			m.t.Fatal(err)
		}
		n, err := m.conn.Read(text)
		if err != nil {
			m.t.Fatalf("waiting for %q: %v; heard so far: %q", line, err, m.said)
		}
		got := string(text[:n])
		m.said = append(m.said, got)
		if slices.ContainsFunc(strings.Split(got, "\n"), func(l string) bool { return strings.HasPrefix(l, line) }) {
			return got
		}
	}
}

func (m *manager) heard(line string) bool {
	return slices.ContainsFunc(m.said, func(datagram string) bool {
		return slices.Contains(strings.Split(datagram, "\n"), line)
	})
}

func TestManagerHearsOfAWholeLife(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", ""))
	m := newManager(t, p)
	p.start()
	if got := m.next("EXTEND_TIMEOUT_USEC="); got != "EXTEND_TIMEOUT_USEC=45000000" {
		t.Errorf("asked for %q to start, want start_timeout and some", got)
	}
	if got := m.next("READY=1"); !strings.Contains(got, "STATUS=blog: ") {
		t.Errorf("ready without a status: %q", got)
	}
	p.waitRunning("blog")
	p.signal(syscall.SIGHUP)
	if got := m.next("RELOADING=1"); !strings.Contains(got, "\nMONOTONIC_USEC=") {
		t.Errorf("a reload without its time: %q", got)
	}
	m.next("READY=1")
	p.waitFor("blog", "of the next generation", func(s control.Pool) bool { return s.Generation == 2 })
	p.signal(syscall.SIGTERM)
	if got := m.next("STOPPING=1"); !strings.Contains(got, "\nEXTEND_TIMEOUT_USEC=105000000\n") {
		t.Errorf("the end is announced as %q, without the time it may take", got)
	}
	p.ends(0)
	if m.heard("WATCHDOG=1") {
		t.Error("answered a watchdog that nobody has set")
	}
}

// One pool that cannot run says so; the start is over then, and not before.
func TestReadyWhenEveryPoolHasSpoken(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", "")+pool("late", "mute", `start_timeout = "300ms"`))
	m := newManager(t, p)
	p.start()
	m.next("READY=1")
	if got := m.said[len(m.said)-1]; !strings.Contains(got, "late: ") || !strings.Contains(got, "not ready") {
		t.Errorf("ready with %q: it does not say what is wrong with pool late", got)
	}
}

func TestMistakeOfAReloadIsTold(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", ""))
	m := newManager(t, p)
	p.start()
	m.next("READY=1")
	text, err := os.ReadFile(p.path("toml"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(p.path("toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGHUP)
		m.next("RELOADING=1")
	}
	put(string(text) + "nonsense = 1\n")
	if got := m.next("READY=1"); !strings.Contains(got, "STATUS=configuration not taken: "+p.path("toml")+":") {
		t.Errorf("after a mistake: %q", got)
	}
	put(string(text))
	if got := m.next("READY=1"); strings.Contains(got, "not taken") {
		t.Errorf("after it is mended: %q", got)
	}
}

func TestWatchdogIsAnswered(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", ""))
	m := newManager(t, p, "WATCHDOG_USEC=20000")
	p.start()
	for range 3 {
		m.next("WATCHDOG=1")
	}
}

func TestRefusalIsTold(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", `user = "nobody-of-that-name"`))
	m := newManager(t, p)
	p.refuse(exitRefused, "nobody-of-that-name")
	m.next("STATUS=cannot run: ")
}
