//go:build linux && (amd64 || arm64)

package worker

import (
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
