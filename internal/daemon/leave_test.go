package daemon_test

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/daemon"
)

// The two halves of a restart. Not covered: who marks it (internal/boottest), and
// requests meanwhile (likewise).

func pids(s control.Pool) []int {
	var list []int
	for _, w := range s.Workers {
		list = append(list, *w.PID)
	}
	slices.Sort(list)
	return list
}

func TestRestartLeavesWorkersToTheNext(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", ""))
	p.start()
	before := p.waitRunning("blog")
	if err := daemon.MarkRestart(p.path("run"), true); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)
	left := daemon.Leftovers(p.path("run"))
	slices.Sort(left)
	if !slices.Equal(left, pids(before)) {
		t.Errorf("processes %v are left, want the workers %v", left, pids(before))
	}
	m := newManager(t, p)
	p.start()
	m.next("READY=1") // not before the new workers serve
	after := p.waitFor("blog", "of the next generation", func(s control.Pool) bool {
		return s.State == "running" && s.Generation == before.Generation+1 && len(s.Workers) == s.Processes
	})
	for _, pid := range pids(after) {
		if slices.Contains(left, pid) {
			t.Errorf("worker %d is of the supervisor before", pid)
		}
	}
	if daemon.Restarting(p.path("run")) {
		t.Error("the next stop would be taken for a restart")
	}
	if left := daemon.Leftovers(p.path("run")); left != nil {
		t.Errorf("workers %v of a supervisor that lives are called left over", left)
	}
}

// A mark that nobody has followed up, or that was taken back, is none.
func TestMarkOfARestartIsVoidLater(t *testing.T) {
	folder := t.TempDir()
	for _, undo := range []func() error{
		func() error { return daemon.MarkRestart(folder, false) },
		func() error {
			old := time.Now().Add(-time.Minute)
			return os.Chtimes(filepath.Join(folder, "restarting"), old, old)
		},
	} {
		if err := daemon.MarkRestart(folder, true); err != nil || !daemon.Restarting(folder) {
			t.Fatalf("marked: %v, %v", daemon.Restarting(folder), err)
		}
		if err := undo(); err != nil || daemon.Restarting(folder) {
			t.Errorf("still a restart (%v)", err)
		}
	}
}
