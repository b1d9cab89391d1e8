//go:build linux && (amd64 || arm64)

package worker

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// childStatus is the part of siginfo_t that waitid(2) fills in for a child, on
// 64-bit Linux.
type childStatus struct {
	signo, errno, code int32
	_                  int32
	pid                int32
	uid                uint32
	status             int32
	_                  [100]byte
}

// si_code of a child's end, sigaction(2).
const (
	codeExited = 1
	codeDumped = 3
)

// ended tells whether the process behind pidfd has ended, and how, without
// reaping it: until then neither its pid nor its group's number can be reused.
func ended(pidfd uintptr) (childStatus, bool, error) {
	var s childStatus
	err := waitid(pidfd, &s, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
	return s, s.pid != 0, err
}

func reap(pidfd int) {
	var s childStatus
	_ = waitid(uintptr(pidfd), &s, unix.WEXITED)
}

func waitid(pidfd uintptr, s *childStatus, options uintptr) error {
	for {
		_, _, errno := unix.Syscall6(unix.SYS_WAITID, unix.P_PIDFD, pidfd, uintptr(unsafe.Pointer(s)), options, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 && errno != unix.EAGAIN {
			return errno
		}
		return nil
	}
}

// exit puts a child's status into words of ours.
func (s childStatus) exit(started time.Time) Exit {
	now := time.Now()
	e := Exit{At: now, Lived: now.Sub(started)}
	if s.code == codeExited {
		e.Code = int(s.status)
		return e
	}
	e.Signal = syscall.Signal(s.status)
	e.Core = s.code == codeDumped
	e.OOM = e.Signal == unix.SIGKILL && oomKills.counted()
	return e
}

// oomCounter remembers how many out-of-memory kills the kernel had counted when
// we last looked, so that each explains one death only.
type oomCounter struct{ seen atomic.Int64 }

var oomKills oomCounter

// note takes the present count for known: kills so far were not of our workers.
func (c *oomCounter) note() {
	if n, err := oomKillCount(); err == nil {
		c.seen.Store(n)
	}
}

// counted tells whether the kernel has counted a kill that nobody has claimed.
func (c *oomCounter) counted() bool {
	n, err := oomKillCount()
	if err != nil {
		return false
	}
	for {
		seen := c.seen.Load()
		if n <= seen {
			return false
		}
		if c.seen.CompareAndSwap(seen, seen+1) {
			return true
		}
	}
}

// oomKillCount is oom_kill of /proc/vmstat (Linux 4.13): kills in the whole
// machine or container, by a full memory or by a cgroup's limit alike.
func oomKillCount() (int64, error) {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "\noom_kill ")
	if !found {
		return 0, errors.New("this kernel does not count out-of-memory kills")
	}
	number, _, _ := strings.Cut(rest, "\n")
	return strconv.ParseInt(number, 10, 64)
}

// NoteOOMKills takes the kernel's present count of out-of-memory kills for known:
// only later ones can explain the death of a worker.
func NoteOOMKills() { oomKills.note() }
