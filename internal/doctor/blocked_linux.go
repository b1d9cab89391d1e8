package doctor

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// blockedIn says in words in which system call a process is blocked, from a line
// of /proc/PID/syscall; empty if that says nothing to a person.
func blockedIn(pid int, line string) string {
	fields := strings.Fields(line)
	if len(fields) == 0 || fields[0] == "running" {
		return "it is computing"
	}
	number, err := strconv.Atoi(fields[0])
	if err != nil {
		return ""
	}
	on := ""
	if len(fields) > 1 {
		fd, _ := strconv.ParseUint(strings.TrimPrefix(fields[1], "0x"), 16, 32)
		if target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd)); err == nil {
			on = fmt.Sprintf(" descriptor %d (%s)", fd, target)
		}
	}
	switch number {
	case unix.SYS_READ, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_PREAD64:
		return "it waits to read from" + on
	case unix.SYS_WRITE, unix.SYS_SENDTO, unix.SYS_SENDMSG:
		return "it waits to write to" + on
	case unix.SYS_CONNECT:
		return "it waits for a connection to be made, by" + on
	case unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP:
		return "it sleeps"
	case unix.SYS_FUTEX:
		return "it waits for a lock"
	case unix.SYS_WAIT4, unix.SYS_WAITID:
		return "it waits for a child process"
	case unix.SYS_FLOCK:
		return "it waits for a lock on" + on
	case unix.SYS_ACCEPT, unix.SYS_ACCEPT4:
		return "it waits for a connection on" + on
	}
	return ""
}
