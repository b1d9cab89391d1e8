package executor

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/worker"
)

// orphanage keeps what workers leave behind when they fork away: as a subreaper,
// prctl(2), we get those processes as children and can find, end and reap them.
type orphanage struct{}

func adopt() *orphanage {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	return &orphanage{}
}

// list returns our children that are no workers. Only from the goroutine that
// starts workers: a newborn is a child before it is in born.
func (*orphanage) list(born map[int]bool) []int {
	return slices.DeleteFunc(worker.Children(os.Getpid()), func(pid int) bool { return born[pid] })
}

// reap takes leave of the orphans that have ended.
func (o *orphanage) reap(born map[int]bool) {
	for _, pid := range o.list(born) {
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}
}

// How long a group that has been killed may take to vanish, and after that one
// that had to be found.
const (
	vanishGrace = 100 * time.Millisecond
	strayGrace  = time.Second
)

// endStrays ends every process of the pool that has escaped from its worker, now
// that the pool has no workers, and returns when they are gone.
func (e *Executor) endStrays(c *crew) {
	if e.vanished(c, vanishGrace) {
		return // they were on their way out already
	}
	for _, pid := range e.strays(c) {
		e.logger().Warn("a process had left its worker's process group; ended", "pool", c.cfg.Name, "pid", pid)
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	if !e.vanished(c, strayGrace) {
		e.logger().Error("processes of the pool cannot be ended", "pool", c.cfg.Name, "pids", e.strays(c))
	}
}

// vanished waits until there are no strays, at the most for grace.
func (e *Executor) vanished(c *crew, grace time.Duration) bool {
	for deadline := time.Now().Add(grace); len(e.strays(c)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// strays are orphans of ours with the pool's name in their environment. Those of
// workers that were taken back are not our children.
func (e *Executor) strays(c *crew) []int {
	if e.recalled {
		var list []int
		for _, p := range worker.Find(Mark(e.lineage)) {
			if p.Env[poolVariable] == c.cfg.Name && !e.born[p.PID] && !e.born[p.Group] {
				list = append(list, p.PID)
			}
		}
		return list
	}
	return slices.DeleteFunc(e.orphans.list(e.born), func(pid int) bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		return err != nil || !strings.Contains("\x00"+string(text), "\x00"+poolVariable+"="+c.cfg.Name+"\x00")
	})
}

// forkedAway ends the processes that a worker left on the socket when it ended
// before it was ready, and says what it found: the commonest mistake of those
// who come from an init script is a program that makes itself a daemon.
func (e *Executor) forkedAway(c *crew, generation int) string {
	socket := c.socket.Load()
	if socket == nil {
		return ""
	}
	const advice = "it made itself a daemon, which was ended: let it run in the foreground"
	holders, _ := listen.Holders(socket.Inode())
	for _, pid := range e.strays(c) {
		if slices.ContainsFunc(holders, func(h listen.Holder) bool { return h.PID == pid }) {
			_ = unix.Kill(pid, unix.SIGKILL)
			c.daemons = generation
		}
	}
	if c.daemons == generation { // workers that end together leave daemons that are found together
		return advice
	}
	return ""
}
