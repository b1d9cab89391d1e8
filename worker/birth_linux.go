//go:build linux && (amd64 || arm64)

package worker

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is one system call that the newborn makes before it is a program of its
// own. The layout is known to birth_linux_*.s.
type call struct {
	number   uintptr
	args     [6]uintptr
	optional uintptr // not 0: an error is passed over
}

// stumble says which call failed, counted from the end of the list, and how.
// Written by the child, in memory it shares with us until it executes.
type stumble struct {
	errno uintptr
	left  uintptr
}

// birth makes a child as vfork(2) does, in which the calls are made one after
// the other; the last of them must be execve(2). It returns when the child has
// executed or given up. Every signal must be blocked on this thread: the child
// runs on our stack and in our memory, where a signal handler of the Go runtime
// would do harm.
//
// Why not os/exec: what a worker needs set (umask, nice, resource limits,
// no_new_privs) belongs to a process or a thread, so with fork and exec in one
// call it would have to be set on ourselves first.
//
//go:noescape
func birth(flags uintptr, pidfd *int32, calls *call, n uintptr, s *stumble) (pid uintptr)

// vfork runs birth with all signals blocked and puts the mask back.
func vfork(calls []call, pidfd *int32, s *stumble) (int, unix.Errno) {
	const flags = unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PIDFD | uintptr(unix.SIGCHLD)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, old := ^uint64(0), uint64(0)
	setMask(&all, &old)
	pid := birth(flags, pidfd, &calls[0], uintptr(len(calls)), s)
	setMask(&old, nil)
	if failure := -int(pid); failure > 0 && failure < 4096 {
		return 0, unix.Errno(failure)
	}
	return int(pid), 0
}

// setMask is rt_sigprocmask(SIG_SETMASK): the kernel's set is 64 bits on every
// architecture that we build for.
func setMask(set, old *uint64) {
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK,
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}
