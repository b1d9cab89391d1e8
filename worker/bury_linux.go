//go:build linux && (amd64 || arm64)

package worker

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
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
	codeUnknown = 0
	codeExited  = 1
	codeKilled  = 2
	codeDumped  = 3
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
	if s.code == codeUnknown {
		e.Unknown = true
		return e
	}
	if s.code == codeExited {
		e.Code = int(s.status)
		return e
	}
	e.Signal = syscall.Signal(s.status)
	e.Core = s.code == codeDumped
	return e
}

// claimed asks for an out-of-memory kill if one could explain the end. It takes
// the kernel 100 µs to count, so it is done while the output is being read.
func (s childStatus) claimed() <-chan bool {
	oom := make(chan bool, 1)
	if s.code == codeUnknown || s.code == codeExited || syscall.Signal(s.status) != unix.SIGKILL {
		oom <- false
		return oom
	}
	go func() { oom <- oomKills.counted(time.Now()) }()
	return oom
}

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
