package worker

// Where out-of-memory kills are counted. A real one is in internal/boottest.

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOOMKillExplainsOneDeath(t *testing.T) {
	n, err := oomKillCount()
	if err != nil {
		t.Fatal(err)
	}
	c := oomCounter{claimed: n - 1} // the kernel has counted one that nobody has claimed
	if now := time.Now(); !c.counted(now) || c.counted(now) || c.counted(time.Now()) {
		t.Fatal("one kill must explain one death, and one only")
	}
	c = oomCounter{claimed: n - 5}
	c.note()
	if c.counted(time.Now()) {
		t.Fatal("a kill from before explains a death")
	}
}

func TestOOMFile(t *testing.T) {
	for cgroups, want := range map[string]string{
		"0::/system.slice/fcgi-supervisor.service\n": "/sys/fs/cgroup/system.slice/fcgi-supervisor.service/memory.events.local",
		"4:memory:/a/b\n1:cpu:/c\n0::/\n":            "/sys/fs/cgroup/memory/a/b/memory.oom_control",
		"0::/\n3:memory:/\n":                         "/sys/fs/cgroup/memory//memory.oom_control",
		"":                                           "",
	} {
		if got := oomFileOf(cgroups); got != want {
			t.Errorf("%q: %s, want %s", cgroups, got, want)
		}
	}
}

func TestCountIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	for text, want := range map[string]int64{
		"low 0\noom 3\noom_kill 2\noom_group_kill 1\n":  2, // cgroup v2
		"oom_kill_disable 0\nunder_oom 0\noom_kill 7\n": 7, // cgroup v1
		"oom_kill 4\n": 4,
		"nr_free_pages 1\noom_kill 12\nnuma_hit 5\n": 12, // vmstat
		"oom_kill_disable 0\nunder_oom 0\n":          -1,
		"oom_kill many\n":                            -1,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := countIn(path)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}
