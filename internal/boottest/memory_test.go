package boottest

// The kernel's out-of-memory killer. Not covered: OOMPolicy= of the unit, which
// systemd obeys only where it has the memory controller on cgroup2; under a test
// host with cgroup v1 it learns of no such kill.

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// outOfMemory: a worker that eats more than the unit may have is killed and
// replaced; the unit stays.
func outOfMemory(m *machine) {
	m.sh("mkdir -p " + dropIns + " && printf '[Service]\nMemoryMax=200M\nMemorySwapMax=0\n' >" + dropIns + "/test.conf && systemctl daemon-reload")
	m.run("systemctl", "restart", "fcgi-supervisor")
	before, pid := settledWorkers(m), property(m, "MainPID")
	if victim, err := m.web().ask("/?hog=1000000000"); err == nil {
		m.t.Fatalf("worker %d has a gigabyte, and may have 200 MB", victim)
	}
	eventually(m.t, func() error {
		if now := settledWorkers(m); now == before {
			return fmt.Errorf("nobody was replaced:\n%s", now)
		}
		return nil
	})
	m.answers("/")
	if now := property(m, "MainPID"); now != pid || property(m, "ActiveState") != "active" {
		m.t.Errorf("the main process was %s and is %s, %s%s", pid, now, property(m, "ActiveState"), m.logs())
	}
	for _, command := range [][]string{{"events", "php"}, {"status", "php"}} {
		m.contains(m.run(append([]string{"fcgi-supervisor"}, command...)...), "out of memory")
	}
	m.sh("rm -r " + dropIns + " && systemctl daemon-reload")
}

// memoryHierarchy is where this kernel has its memory controller, as boot-test
// calls it (proc(5), /proc/cgroups: hierarchy 0 is cgroup2).
func memoryHierarchy(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/cgroups")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); f[0] == "memory" && f[1] != "0" {
			return "hybrid"
		}
	}
	return "unified"
}
