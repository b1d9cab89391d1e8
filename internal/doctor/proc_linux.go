package doctor

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listening lists the addresses on which a process listens, as this program writes
// them, apart from the socket with the inode but: proc_net(5).
func listening(pids []int, but uint64) []string {
	var found []string
	for _, pid := range pids {
		inodes := socketsOf(pid)
		delete(inodes, strconv.FormatUint(but, 10))
		if len(inodes) == 0 {
			continue
		}
		net := fmt.Sprintf("/proc/%d/net/", pid) // its own network namespace
		for _, family := range []string{"tcp", "tcp6"} {
			table(net+family, func(fields []string) {
				const local, state, inode, listen = 1, 3, 9, "0A"
				if len(fields) > inode && fields[state] == listen && inodes[fields[inode]] {
					found = append(found, "tcp:"+hexAddress(fields[local]))
				}
			})
		}
		table(net+"unix", func(fields []string) {
			const flags, inode, path, listen = 3, 6, 7, "00010000"
			if len(fields) > path && fields[flags] == listen && inodes[fields[inode]] {
				found = append(found, "unix:"+strings.Join(fields[path:], " "))
			}
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// table hands every line of a table in /proc to each, after the first.
func table(path string, each func(fields []string)) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan()
	for lines.Scan() {
		each(strings.Fields(lines.Text()))
	}
}

// hexAddress reads 0100007F:1388: each word of the address in the machine's order.
func hexAddress(text string) string {
	address, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(address)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(raw)%4 != 0 {
		return text
	}
	for at := 0; at < len(raw); at += 4 {
		slices.Reverse(raw[at : at+4]) // amd64 and arm64 are little-endian
	}
	ip, ok := netip.AddrFromSlice(raw)
	if !ok {
		return text
	}
	return net.JoinHostPort(ip.Unmap().String(), strconv.FormatUint(number, 10))
}

// socketsOf are the inodes of the sockets that a process has open.
func socketsOf(pid int) map[string]bool {
	inodes := map[string]bool{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range links {
		target, _ := os.Readlink(link)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes
}

// processes are the pids there are.
func processes() []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// field is the value of a line of /proc/PID/status, proc_pid_status(5).
func field(pid int, name string) []string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.Fields(value)
		}
	}
	return nil
}

// sees says whether a process finds the same file at path as we do: services may
// have a /tmp and more of their own (PrivateTmp= of systemd.exec(5)).
func sees(pid int, path string) bool {
	ours, err := os.Stat(path)
	if err != nil {
		return true
	}
	ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	own, _ := os.Readlink("/proc/self/ns/mnt")
	if err != nil || ns == own {
		return true
	}
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/root%s", pid, path))
	return err == nil && os.SameFile(ours, theirs)
}
