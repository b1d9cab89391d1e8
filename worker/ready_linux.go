//go:build linux && (amd64 || arm64)

package worker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrUnknowable is returned when the kernel does not tell what a worker does:
// another user's process, a hidden /proc, no CONFIG_HAVE_ARCH_TRACEHOOK.
var ErrUnknowable = errors.New("the kernel does not tell what the worker is doing")

// Waiting tells whether some thread of the worker's process group is blocked
// waiting for a connection on the listening socket with that inode: in accept,
// in epoll_wait on a set that holds it, or in poll or select on it. This is how
// readiness is known without the worker's help; DESIGN section 4 lists the 21
// kinds of program it was checked on.
func Waiting(pid int, inode uint64) (bool, error) {
	// Most programs wait in their first thread: that is one file to read.
	if waiting, err := threadWaits(pid, strconv.Itoa(pid), inode); waiting || err != nil {
		return waiting, err
	}
	for _, pid := range group(pid) {
		for _, task := range tasks(pid) {
			if waiting, err := threadWaits(pid, task, inode); waiting || err != nil {
				return waiting, err
			}
		}
	}
	return false, nil
}

func threadWaits(pid int, task string, inode uint64) (bool, error) {
	text, err := readProc(fmt.Sprintf("/proc/%d/task/%s/syscall", pid, task))
	if gone(err) {
		return false, nil
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrInvalid) {
		return false, ErrUnknowable
	}
	return err == nil && blockedOn(pid, string(text), inode), nil
}

// blockedOn reads one line of /proc/PID/task/TID/syscall: the call's number and
// its six arguments, or "running".
func blockedOn(pid int, line string, inode uint64) bool {
	fields := strings.Fields(line)
	if len(fields) < 7 {
		return false
	}
	number, err := strconv.Atoi(fields[0])
	if err != nil {
		return false
	}
	argument := func(i int) uint64 {
		n, _ := strconv.ParseUint(strings.TrimPrefix(fields[1+i], "0x"), 16, 64)
		return n
	}
	switch waits[number] {
	case waitAccept:
		return isSocket(pid, argument(0), inode)
	case waitEpoll:
		return epollHolds(pid, argument(0), inode)
	case waitPoll:
		return pollHolds(pid, argument(0), argument(1), inode)
	case waitSelect:
		return selectHolds(pid, argument(0), argument(1), inode)
	}
	return false
}

type wait int

const (
	_ wait = iota
	waitAccept
	waitEpoll
	waitPoll
	waitSelect
)

func isSocket(pid int, fd, inode uint64) bool {
	found, ok := socketInode(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
	return ok && found == inode
}

// epollHolds looks for "tfd: ... ino:1f3a sdev:8" in the epoll descriptor's
// fdinfo, proc_pid_fdinfo(5); the inode is there since Linux 4.13.
func epollHolds(pid int, fd, inode uint64) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		return false
	}
	return bytes.Contains(text, fmt.Appendf(nil, " ino:%x ", inode))
}

// maxPolled bounds how many descriptors of a poll or select set are read.
const maxPolled = 4096

// pollHolds reads the array of struct pollfd from the worker's memory.
func pollHolds(pid int, at, n, inode uint64) bool {
	const size = 8 // int fd; short events; short revents
	set := readMemory(pid, at, int(min(n, maxPolled))*size)
	for ; len(set) >= size; set = set[size:] {
		fd := int32(binary.NativeEndian.Uint32(set))
		if fd >= 0 && isSocket(pid, uint64(fd), inode) {
			return true
		}
	}
	return false
}

// selectHolds reads the fd_set of descriptors to be read.
func selectHolds(pid int, n, at, inode uint64) bool {
	set := readMemory(pid, at, int(min(n, maxPolled)+7)/8)
	for fd := range uint64(len(set)) * 8 {
		if fd < n && set[fd/8]&(1<<(fd%8)) != 0 && isSocket(pid, fd, inode) {
			return true
		}
	}
	return false
}

// readMemory returns nil where the kernel forbids it.
func readMemory(pid int, at uint64, n int) []byte {
	if at == 0 || n <= 0 {
		return nil
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil
	}
	defer f.Close()
	buffer := make([]byte, n)
	if _, err := f.ReadAt(buffer, int64(at)); err != nil {
		return nil
	}
	return buffer
}

// waits maps the system calls in which programs wait for connections.
var waits = map[int]wait{
	unix.SYS_ACCEPT: waitAccept, unix.SYS_ACCEPT4: waitAccept,
	sysEpollWait: waitEpoll, unix.SYS_EPOLL_PWAIT: waitEpoll, unix.SYS_EPOLL_PWAIT2: waitEpoll,
	sysPoll: waitPoll, unix.SYS_PPOLL: waitPoll,
	sysSelect: waitSelect, unix.SYS_PSELECT6: waitSelect,
}
