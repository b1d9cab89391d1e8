package worker

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// oomCounter remembers how many out-of-memory kills the kernel had counted when
// we last looked, so that each explains one death only. A mutex because the deaths
// of many workers ask at once, and one answer will do for all of them.
type oomCounter struct {
	mu      sync.Mutex
	asked   time.Time // when the last question was asked
	count   int64     // the kernel's answer to it
	claimed int64     // kills that have explained a death, or were none of ours
}

var oomKills oomCounter

// note takes the present count for known: kills so far were not of our workers.
func (c *oomCounter) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ask()
	c.claimed = c.count
}

// counted tells whether the kernel has counted a kill that nobody has claimed, and
// claims it. since is when the death was noticed.
func (c *oomCounter) counted(since time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked.Before(since) {
		c.ask()
	}
	if c.count <= c.claimed {
		return false
	}
	c.claimed++
	return true
}

func (c *oomCounter) ask() {
	c.asked = time.Now()
	if n, err := oomKillCount(); err == nil {
		c.count = n
	}
}

// oomKillCount is how many processes the kernel has killed for want of memory (Linux
// 4.13), by a full machine or by a cgroup's limit alike: in our own cgroup, which is
// that of our workers too, or where there is no such count in the whole machine.
func oomKillCount() (int64, error) {
	if n, err := countIn(ownOOMFile()); err == nil {
		return n, nil
	}
	return countIn("/proc/vmstat")
}

// countIn reads oom_kill from a file of names and numbers.
func countIn(path string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "oom_kill ")
	if !found {
		return 0, errors.New("this kernel does not count out-of-memory kills")
	}
	number, _, _ := strings.Cut(rest, "\n")
	return strconv.ParseInt(number, 10, 64)
}

// ownOOMFile is where the memory controller counts for our cgroup alone, and not for
// those below it (cgroups(7), Linux 5.2 for memory.events.local).
var ownOOMFile = sync.OnceValue(func() string {
	text, _ := os.ReadFile("/proc/self/cgroup")
	return oomFileOf(string(text))
})

func oomFileOf(cgroups string) string {
	file := ""
	for line := range strings.Lines(cgroups) {
		number, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		switch {
		case controllers == "memory":
			return "/sys/fs/cgroup/memory" + path + "/memory.oom_control"
		case number == "0":
			file = "/sys/fs/cgroup" + path + "/memory.events.local"
		}
	}
	return file
}

// NoteOOMKills takes the kernel's present count of out-of-memory kills for known:
// only later ones can explain the death of a worker.
func NoteOOMKills() { oomKills.note() }
