package boottest

// The kernel's out-of-memory killer. Not covered: OOMPolicy= of the unit, which
// systemd obeys only where it has the memory controller on cgroup2; under a test host
// with cgroup v1 it learns of no such kill.

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestOutOfMemory: a worker that eats more than the unit may have is killed and
// replaced; the unit stays.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	hierarchy := memoryHierarchy(t)
	if hierarchy == "" {
		t.Skip("this kernel has no memory controller: nobody can be killed for a limit")
	}
	m := newMachine(t, systemd, "BOOT_TEST_CGROUP="+hierarchy)
	m.boot()
	installs(m)
	m.sh("mkdir -p " + dropIns + " && printf '[Service]\nMemoryMax=200M\nMemorySwapMax=0\n' >" + dropIns + "/test.conf && systemctl daemon-reload")
	m.run("systemctl", "restart", "fcgi-supervisor")
	if limits := m.sh("cat " + v1Group + "/memory.limit_in_bytes " + v2Group + "/memory.max 2>/dev/null || true"); !strings.Contains(limits, "209715200") {
		t.Fatal("the memory controller of this host does not reach the machines: MemoryMax= has no effect")
	}
	m.sh("f=" + v1Group + "/memory.memsw.limit_in_bytes; test ! -e $f || echo 209715200 >$f") // there MemorySwapMax= has no effect
	before, pid := settledWorkers(m), property(m, "MainPID")
	if victim, err := m.web().ask("/?hog=1000000000"); err == nil {
		t.Fatalf("worker %d has a gigabyte, and may have 200 MB", victim)
	}
	eventually(t, func() error {
		if now := settledWorkers(m); now == before {
			return fmt.Errorf("nobody was replaced:\n%s", now)
		}
		return nil
	})
	m.answers("/")
	if now := property(m, "MainPID"); now != pid || property(m, "ActiveState") != "active" {
		t.Errorf("the main process was %s and is %s, %s%s", pid, now, property(m, "ActiveState"), m.logs())
	}
	for _, command := range [][]string{{"events", "php"}, {"status", "php"}} {
		m.contains(m.run(append([]string{"fcgi-supervisor"}, command...)...), "out of memory")
	}
	m.stop()
}

// The limits of the service, with cgroup v1 and v2.
const (
	v1Group = "/sys/fs/cgroup/memory/system.slice/fcgi-supervisor.service"
	v2Group = "/sys/fs/cgroup/system.slice/fcgi-supervisor.service"
)

// memoryHierarchy is where this host has its memory controller, as boot-test calls
// it; empty: it has none.
func memoryHierarchy(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); f[2] == "cgroup" && slices.Contains(strings.Split(f[3], ","), "memory") {
			return "hybrid"
		}
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil && slices.Contains(strings.Fields(string(text)), "memory") {
		return "unified"
	}
	return ""
}
