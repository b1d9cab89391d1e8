//go:build linux && (amd64 || arm64)

package worker

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrGone: the process that had that pid and start time has ended.
var ErrGone = errors.New("the process has ended")

// Orphan is a worker that another supervisor has started.
type Orphan struct {
	PID        int
	StartTicks uint64
	StartedAt  time.Time
	Pipe       int // its end of the worker's output, non-blocking, which Adopt takes over; 0: to be taken from the worker
}

// Adopt takes an orphan back. Its output is taken up where it was left, and if that
// supervisor had stopped it for a look it goes on. Mind or Abandon must follow.
func Adopt(o Orphan) (*Process, error) {
	fd, err := unix.PidfdOpen(o.PID, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, adoptionError(o.PID, err)
	}
	// After the pidfd: from now on the pid cannot come to mean another process.
	if now, err := startTicks(o.PID); err != nil || now != o.StartTicks {
		unix.Close(fd)
		return nil, adoptionError(o.PID, unix.ESRCH)
	}
	p := &Process{PID: o.PID, StartTicks: o.StartTicks, StartedAt: o.StartedAt, child: isChild(fd), gone: make(chan struct{})}
	if o.Pipe > 0 {
		p.output = openOutput(o.Pipe)
	} else {
		p.output = takeOutput(fd)
	}
	p.pidfd = os.NewFile(uintptr(fd), "worker")
	p.killGroup(unix.SIGCONT)
	return p, nil
}

func adoptionError(pid int, err error) error {
	if errors.Is(err, unix.ESRCH) {
		err = ErrGone
	}
	return fmt.Errorf("take back pid %d: %w", pid, err)
}

// isChild: only a parent may wait, waitid(2).
func isChild(pidfd int) bool {
	_, _, err := ended(uintptr(pidfd))
	return !errors.Is(err, unix.ECHILD)
}

// Descriptor returns a copy of a descriptor that the worker has (Linux 5.6,
// pidfd_getfd(2)): one and the same open file. It needs the right to trace the
// worker, ptrace(2): under Yama only root has it for an orphan.
func (p *Process) Descriptor(n int) (int, error) {
	fd := -1
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return -1, err
	}
	if failed := raw.Control(func(pidfd uintptr) { fd, err = unix.PidfdGetfd(int(pidfd), n, 0) }); failed != nil {
		return -1, failed
	}
	if err != nil {
		return -1, fmt.Errorf("take descriptor %d of pid %d: %w", n, p.PID, err)
	}
	return fd, nil
}

// Abandon lets go of an adopted worker that is not minded.
func (p *Process) Abandon() {
	p.pidfd.Close()
	if p.output != nil {
		p.output.pipe.Close()
	}
}

// takeOutput finds the pipe that a worker was born with, nil if it has closed or
// replaced both ends of it. It is known by being open for reading and writing
// (see newOutput), which no pipe of anybody else's making is.
func takeOutput(pidfd int) *output {
	for _, n := range []int{2, 1} {
		fd, err := unix.PidfdGetfd(pidfd, n, 0)
		if err != nil {
			continue
		}
		ours := reopenPipe(fd)
		unix.Close(fd)
		if ours >= 0 {
			return openOutput(ours)
		}
	}
	return nil
}

// reopenPipe opens the reading end anew: the flags of the descriptor that was
// taken are the worker's too.
func reopenPipe(theirs int) int {
	var stat unix.Stat_t
	flags, err := unix.FcntlInt(uintptr(theirs), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE != unix.O_RDWR || unix.Fstat(theirs, &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		return -1
	}
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(theirs), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// endedElsewhere is ended for a process that is not our child. How it ended is
// told by kernels since 6.15 (PIDFD_INFO_EXIT) once its parent has waited for it,
// which init does at once.
func endedElsewhere(pidfd uintptr) (childStatus, bool) {
	readable := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	if n, _ := unix.Poll(readable, 0); n == 0 || readable[0].Revents == 0 {
		return childStatus{}, false
	}
	const patience = 20 * time.Millisecond
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(100 * time.Microsecond) {
		info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, pidfd, unix.PIDFD_GET_INFO, uintptr(unsafe.Pointer(&info)))
		if errno == 0 && info.Mask&unix.PIDFD_INFO_EXIT != 0 {
			return statusOf(unix.WaitStatus(info.Exit_code)), true
		}
		if errno != 0 && errno != unix.ESRCH {
			break // an older kernel
		}
	}
	return childStatus{code: codeUnknown}, true
}

func statusOf(w unix.WaitStatus) childStatus {
	switch {
	case w.Exited():
		return childStatus{code: codeExited, status: int32(w.ExitStatus())}
	case w.CoreDump():
		return childStatus{code: codeDumped, status: int32(w.Signal())}
	}
	return childStatus{code: codeKilled, status: int32(w.Signal())}
}

// endGroup kills what is left of the worker's group. The number of a child that is
// not reaped belongs to it and its group. That of another's child may be a
// stranger's by now: none of its own group is left then.
func (p *Process) endGroup() {
	if now, err := startTicks(p.PID); err == nil && now != p.StartTicks {
		return
	}
	p.killGroup(unix.SIGKILL)
}
