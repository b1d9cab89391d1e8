package listen

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"
)

// From linux/unix_diag.h; x/sys/unix does not have it.
const (
	unixRequestSize = 24
	unixMessageSize = 16

	showName    = 1 << 0
	showFile    = 1 << 1
	showClients = 1 << 3
	showQueue   = 1 << 4

	attributeName    = 0
	attributeFile    = 1
	attributeClients = 3
	attributeQueue   = 4
)

// States of a socket, for Unix sockets too (linux/tcp_states.h).
const (
	stateEstablished = 1
	stateClose       = 7
	stateListen      = 10
)

// unixEntry is one Unix socket in the kernel's table.
type unixEntry struct {
	state   uint8
	inode   uint64
	name    unixName
	bound   string // the path it was bound to, which it may have no more
	queue   int    // of a listening socket
	backlog int
	clients int // in the queue and still there; only if asked for
}

// unixName is what a listening socket and the connections accepted from it have
// in common: the file it was bound to, as the kernel numbers it (a file's number
// stays its own while any of them is open), or the abstract name.
type unixName struct {
	device, node uint32
	abstract     string
}

// unixTable lists the sockets of our network namespace in the given states,
// without connections that nobody has accepted: a dump leaves out what has no
// inode (unix_diag.c).
func unixTable(states ...uint) ([]unixEntry, error) {
	return unixTableWith(showName|showFile|showQueue, states...)
}

func unixTableWith(show uint32, states ...uint) ([]unixEntry, error) {
	host := binary.NativeEndian
	request := make([]byte, unixRequestSize)
	request[0] = unix.AF_UNIX
	for _, state := range states {
		host.PutUint32(request[4:], host.Uint32(request[4:])|1<<state)
	}
	host.PutUint32(request[12:], show)
	return dump(request, parseUnixEntry)
}

func parseUnixEntry(m []byte) (unixEntry, bool) {
	if len(m) < unixMessageSize {
		return unixEntry{}, false
	}
	host := binary.NativeEndian
	e := unixEntry{state: m[2], inode: uint64(host.Uint32(m[4:]))}
	attributes(m[unixMessageSize:], func(kind uint16, value []byte) {
		switch {
		case kind == attributeName && len(value) > 1 && value[0] == 0:
			e.name.abstract = string(value[1:])
		case kind == attributeName:
			e.bound = strings.TrimRight(string(value), "\x00")
		case kind == attributeFile && len(value) >= 8:
			e.name.node, e.name.device = host.Uint32(value), host.Uint32(value[4:])
		case kind == attributeClients:
			e.clients = livingClients(value)
		case kind == attributeQueue && len(value) >= 8:
			e.queue, e.backlog = int(host.Uint32(value)), int(host.Uint32(value[4:]))
		}
	})
	return e, e.name != unixName{}
}

// livingClients counts the clients in a queue whose sockets have an inode: those
// that were closed have none (unix_diag.c, UDIAG_SHOW_ICONS).
func livingClients(inodes []byte) (n int) {
	for ; len(inodes) >= 4; inodes = inodes[4:] {
		if binary.NativeEndian.Uint32(inodes) != 0 {
			n++
		}
	}
	return n
}

// lookUnix adds the figures of the listening sockets with these inodes.
func (t *Table) lookUnix(inodes map[uint64]bool) error {
	entries, err := unixTable(stateListen, stateEstablished)
	if err != nil {
		return err
	}
	// The names come from the table itself: stat(2) shows other devices than the
	// kernel means on overlayfs and btrfs.
	listening := map[unixName]*Figures{}
	for _, e := range entries {
		if e.state == stateListen && inodes[e.inode] {
			f := &Figures{Queue: e.queue, Backlog: e.backlog, Accepted: map[uint64]bool{}, Unread: map[uint64]bool{}}
			listening[e.name], t.figures[e.inode] = f, f
		}
	}
	for _, e := range entries {
		if f := listening[e.name]; f != nil && e.state == stateEstablished {
			f.accept(e.inode, e.queue)
		}
	}
	return nil
}

// kernelName is how the kernel's table names a file.
func kernelName(f file) unixName {
	return unixName{
		// The kernel's own form of a device number has 20 bits of minor
		// (linux/kdev_t.h), and unix_diag cuts a file's number to 32 bits.
		device: unix.Major(f.device)<<20 | unix.Minor(f.device),
		node:   uint32(f.node),
	}
}

// holdersOfFile are the processes with a socket bound to f, nil if the kernel
// lists none.
func holdersOfFile(f file) (*holders, error) {
	want := kernelName(f)
	return holdersBound(func(n unixName) bool { return n == want })
}

// holdersOfName are the processes with a socket of this abstract name.
func holdersOfName(name string) *holders {
	found, err := holdersBound(func(n unixName) bool { return n.abstract == name })
	if err != nil || found == nil {
		return &holders{}
	}
	return found
}

func holdersBound(match func(unixName) bool) (*holders, error) {
	// Close is the state of datagram sockets and of those that are bound and do
	// not listen yet.
	entries, err := unixTable(stateListen, stateClose)
	if err != nil {
		return nil, err
	}
	inodes := map[uint64]bool{}
	for _, e := range entries {
		if match(e.name) {
			inodes[e.inode] = true
		}
	}
	if len(inodes) == 0 {
		return nil, nil
	}
	return findHolders(inodes), nil
}
