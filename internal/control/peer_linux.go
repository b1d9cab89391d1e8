package control

import (
	"fmt"
	"net"
	"os"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// peer says who is at the other end, as "uid 0, pid 812 (systemctl)". The kernel
// vouches for uid and pid (SO_PEERCRED, unix(7)) as of connect(2); the name is the
// process's own word.
func peer(c net.Conn) string {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return unknownPeer
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return unknownPeer
	}
	var who *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		who, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	switch {
	case err != nil || credErr != nil:
		return unknownPeer
	case who.Pid == 0: // it lives in a pid namespace that ours does not contain
		return fmt.Sprintf("uid %d, pid unknown", who.Uid)
	}
	return fmt.Sprintf("uid %d, pid %d (%s)", who.Uid, who.Pid, processName(int(who.Pid)))
}

// processName is fit for a log: a process may call itself anything.
func processName(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return "ended meanwhile"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.TrimSuffix(string(name), "\n"))
}
