//go:build linux && (amd64 || arm64)

package worker

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// AtRest returns those of the connections, given by socket inode, that a thread of
// the worker is blocked reading: the worker waits for the client there, and not
// the client for the worker. progress changes whenever the worker has read
// anything in between. A program that waits in poll or epoll for many things at
// once does not show for what; its connections are never at rest.
func AtRest(pid int, connections map[uint64]bool) (resting []uint64, progress uint64) {
	for _, pid := range tree(pid) {
		progress += bytesRead(pid)
		for _, task := range tasks(pid) {
			line, err := readProc(fmt.Sprintf("/proc/%d/task/%s/syscall", pid, task))
			if err != nil {
				continue
			}
			if inode, ok := readsFrom(pid, string(line)); ok && connections[inode] {
				resting = append(resting, inode)
			}
		}
	}
	return resting, progress
}

// readsFrom is the socket that a thread is blocked reading, from a line of
// /proc/PID/task/TID/syscall. It holds for stopped threads too.
func readsFrom(pid int, line string) (uint64, bool) {
	fields := strings.Fields(line)
	if len(fields) < 7 {
		return 0, false
	}
	number, err := strconv.Atoi(fields[0])
	if err != nil || !reads[number] {
		return 0, false
	}
	fd, err := strconv.ParseUint(strings.TrimPrefix(fields[1], "0x"), 16, 32)
	if err != nil {
		return 0, false
	}
	return socketInode(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
}

var reads = map[int]bool{unix.SYS_READ: true, unix.SYS_READV: true, unix.SYS_RECVFROM: true, unix.SYS_RECVMSG: true}

// bytesRead is rchar of /proc/PID/io, 0 where the kernel does not tell.
func bytesRead(pid int) uint64 {
	text, err := readProc(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("rchar: ")), []byte("\n"))
	n, _ := strconv.ParseUint(string(line), 10, 64)
	return n
}
