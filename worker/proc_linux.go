//go:build linux && (amd64 || arm64)

package worker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// stat is what we use of /proc/PID/stat, proc_pid_stat(5).
type stat struct {
	state      byte
	parent     int
	group      int
	ticks      uint64 // user and system time, in clock ticks
	reaped     uint64 // likewise, of descendants that have been waited for
	threads    int
	startTicks uint64
	rssPages   uint64
}

// readProc reads a file of /proc that is shorter than a page, in one system call
// as it should be read, and without what os.ReadFile does besides: it is done for
// every look at every worker.
func readProc(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer unix.Close(fd)
	var page [4096]byte
	n, err := unix.Read(fd, page[:])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return bytes.Clone(page[:n]), nil
}

func readStat(path string) (stat, error) {
	text, err := readProc(path)
	if err != nil {
		return stat{}, err
	}
	// The name, field 2, is in parentheses and may hold anything.
	end := bytes.LastIndexByte(text, ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 22 {
		return stat{}, fmt.Errorf("read %s: %d fields", path, len(fields))
	}
	number := func(field int) uint64 { // counted as in the manual page
		n, _ := strconv.ParseUint(fields[field-3], 10, 64)
		return n
	}
	return stat{state: fields[0][0], parent: int(number(4)), group: int(number(5)), ticks: number(14) + number(15), reaped: number(16) + number(17),
		threads: int(number(20)), startTicks: number(22), rssPages: number(24)}, nil
}

// startTicks is when a process was started, in clock ticks since boot.
func startTicks(pid int) (uint64, error) {
	s, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	return s.startTicks, err
}

// tree is the process and all its descendants.
func tree(pid int) []int {
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, Children(pids[i])...)
	}
	return pids
}

// group is those of the tree that are in the process group that pid leads. Who
// has left it is no part of the worker any more: it would outlive it.
func group(pid int) []int {
	return slices.DeleteFunc(tree(pid), func(member int) bool {
		if member == pid {
			return false
		}
		s, err := readStat(fmt.Sprintf("/proc/%d/stat", member))
		return err != nil || s.group != pid
	})
}

// Children are the children of all threads of a process. They are listed since
// Linux 3.5 with CONFIG_PROC_CHILDREN; without it there seem to be none.
func Children(pid int) []int {
	var pids []int
	for _, task := range tasks(pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task))
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// tasks are the names in /proc/PID/task: one a thread.
func tasks(pid int) []string {
	return names(fmt.Sprintf("/proc/%d/task", pid))
}

// names reads a folder of /proc without sorting or stat(2), nil if it cannot.
func names(folder string) []string {
	f, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer f.Close()
	list, _ := f.Readdirnames(-1)
	return list
}

func allStopped(pids []int) bool {
	for _, pid := range pids {
		for _, task := range tasks(pid) {
			s, err := readStat(fmt.Sprintf("/proc/%d/task/%s/stat", pid, task))
			if err == nil && s.state != 'T' && s.state != 't' && s.state != 'Z' && s.state != 'X' {
				return false
			}
		}
	}
	return true
}

// Held returns those of the connections, given by socket inode, that the worker
// or a descendant of it has open. An error means that the kernel does not tell.
func Held(pid int, connections map[uint64]bool) ([]uint64, error) {
	open, err := sockets(pid)
	return slices.DeleteFunc(open, func(inode uint64) bool { return !connections[inode] }), err
}

// sockets are the inodes of all sockets that the worker or a descendant of it has
// open. A process that has just gone has none.
func sockets(pid int) ([]uint64, error) {
	var inodes []uint64
	for _, pid := range tree(pid) {
		folder := fmt.Sprintf("/proc/%d/fd/", pid)
		list, err := os.Open(folder)
		if err != nil {
			if gone(err) {
				continue
			}
			return nil, err
		}
		fds, err := list.Readdirnames(-1)
		list.Close()
		if err != nil && !gone(err) {
			return nil, err
		}
		for _, fd := range fds {
			if inode, ok := socketInode(folder + fd); ok {
				inodes = append(inodes, inode)
			}
		}
	}
	return inodes, nil
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

// socketInode reads a link such as "socket:[81234]".
func socketInode(path string) (uint64, bool) {
	var target [64]byte
	n, err := unix.Readlink(path, target[:])
	if err != nil || n < 10 || string(target[:8]) != "socket:[" {
		return 0, false
	}
	inode, err := strconv.ParseUint(string(target[8:n-1]), 10, 64)
	return inode, err == nil
}
