package daemon_test

import (
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/daemon"
)

// A start while workers live and the configuration has a mistake by now. Not
// covered: the exit codes, and what systemd makes of them (internal/boottest).

func (p *program) edit(old, new string) {
	p.t.Helper()
	text, err := os.ReadFile(p.path("toml"))
	if err == nil {
		err = os.WriteFile(p.path("toml"), []byte(strings.Replace(string(text), old, new, 1)), 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// What cannot be started anew serves still.
func TestBrokenPoolsLeaveNoWorkersAlone(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", ""))
	p.start()
	before := p.waitRunning("blog")
	p.signal(syscall.SIGKILL)
	p.ends(-1)
	p.edit("command = [", `command = ["/nowhere/to/be/found", `)
	p.start()
	p.waitSaid("generation 2 dropped")
	if after := p.waitRunning("blog"); !slices.Equal(pids(after), pids(before)) {
		t.Errorf("workers were %v and are %v", pids(before), pids(after))
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)
	p.refuse(exitRefused, "/nowhere/to/be/found")
}

func TestMistakeLeavesNoWorkersAlone(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", ""))
	p.start()
	before := p.waitRunning("blog")
	p.signal(syscall.SIGKILL)
	p.ends(-1)
	p.edit("processes = 2", "procesess = 2")

	// Whoever asked for a restart hears of it, once.
	if err := daemon.MarkRestart(p.path("run"), true); err != nil {
		t.Fatal(err)
	}
	p.refuse(exitFailed, `"procesess"`, daemon.ErrRestartRefused.Error())
	m := newManager(t, p)
	p.start()
	if said := m.next("READY=1"); !strings.Contains(said, "configuration not taken: ") || !strings.Contains(said, "procesess") {
		t.Errorf("ready without a word of the mistake: %q", said)
	}
	if after := p.waitRunning("blog"); !slices.Equal(pids(after), pids(before)) {
		t.Errorf("workers were %v and are %v", pids(before), pids(after))
	}
	p.edit("procesess = 2", "processes = 3")
	p.signal(syscall.SIGHUP)
	p.waitFor("blog", "of the mended configuration", func(s control.Pool) bool { return s.Processes == 3 })
	p.waitRunning("blog")
	p.edit("processes = 3", "procesess = 3")
	p.signal(syscall.SIGTERM)
	p.ends(0)

	// Nobody is left who would have to be minded.
	p.refuse(exitFailed, `"procesess"`)
}

// A pool that waits after failures has no worker that could keep its socket.
func TestPoolWithoutWorkersListensAgainAtOnce(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "broken", "[pool.blog.restart]\ndelay = \"1h\"\ndelay_max = \"1h\"\n"))
	p.start()
	p.waitWritten(`"Failures":1`)
	p.signal(syscall.SIGKILL)
	p.ends(-1)
	p.start()
	p.waitFor("blog", "connected to", func(control.Pool) bool {
		conn, err := net.Dial("unix", p.path("blog.sock"))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	p.signal(syscall.SIGTERM)
	p.ends(0)
	if _, err := os.Lstat(p.path("blog.sock")); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind (%v)", err)
	}
}

// The name of a socket that is gone goes with its pool.
func TestPoolRemovedMeanwhileLeavesNoName(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", "")+pool("gone", "broken", ""))
	p.start()
	p.waitWritten(`"Failures":1`)
	p.signal(syscall.SIGKILL)
	p.ends(-1)
	if _, err := os.Lstat(p.path("gone.sock")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(p.path("toml"))
	if err != nil {
		t.Fatal(err)
	}
	without, _, _ := strings.Cut(string(text), "[pool.gone]")
	p.edit(string(text), without)
	p.start()
	p.waitRunning("blog")
	if _, err := os.Lstat(p.path("gone.sock")); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind (%v)", err)
	}
}
