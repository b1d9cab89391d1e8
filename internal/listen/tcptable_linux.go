package listen

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// From linux/inet_diag.h; x/sys/unix does not have it.
const (
	tcpRequestSize = 56
	tcpMessageSize = 72

	attributeFilter = 1 // INET_DIAG_REQ_BYTECODE
	filterJump      = 1
	filterPort      = 11 // INET_DIAG_BC_S_EQ, Linux 4.16
)

// tcpStates are those in which a socket listens, or a worker can hold a
// connection: not TIME_WAIT, SYN_RECV and SYN_SENT, of which there are many on a
// busy machine.
const tcpStates = 1<<1 | 1<<4 | 1<<5 | 1<<8 | 1<<9 | 1<<stateListen | 1<<11

// stateSynRecv is that of a handshake whose last packet has not come.
const stateSynRecv = 3

// tcpEntry is one TCP socket in the kernel's table.
type tcpEntry struct {
	state   uint8
	local   netip.AddrPort
	inode   uint64 // 0: a connection that nobody has accepted, or nobody holds any more
	queue   int    // of a listening socket
	backlog int
}

// tcpTable lists the sockets of one family, in our network namespace, that have
// one of the local ports.
func tcpTable(family uint8, ports []int) ([]tcpEntry, error) {
	return tcpTableOf(tcpStates, family, ports)
}

func tcpTableOf(states uint32, family uint8, ports []int) ([]tcpEntry, error) {
	request := make([]byte, tcpRequestSize)
	request[0], request[1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(request[4:], states)
	return dump(append(request, portFilter(ports)...), parseTCPEntry)
}

// portFilter is the program by which the kernel leaves out all other ports: a web
// server's own connections are tens of thousands. Every port is a comparison, of
// two words, that when it holds runs into a jump to the end, which accepts; the
// last one needs no jump, and when it fails jumps behind the end, which rejects.
func portFilter(ports []int) []byte {
	const word, test = 4, 2 * 4
	size := len(ports)*(test+word) - word
	host := binary.NativeEndian
	filter := make([]byte, 0, unix.SizeofRtAttr+size)
	filter = host.AppendUint16(filter, uint16(unix.SizeofRtAttr+size))
	filter = host.AppendUint16(filter, attributeFilter)
	for i, port := range ports {
		filter = append(filter, filterPort, test)
		filter = host.AppendUint16(filter, test+word)
		filter = append(filter, 0, 0)
		filter = host.AppendUint16(filter, uint16(port))
		if i < len(ports)-1 {
			toEnd := size - i*(test+word) - test
			filter = append(filter, filterJump, word)
			filter = host.AppendUint16(filter, uint16(toEnd))
		}
	}
	return filter
}

func parseTCPEntry(m []byte) (tcpEntry, bool) {
	if len(m) < tcpMessageSize {
		return tcpEntry{}, false
	}
	host := binary.NativeEndian
	ip := netip.AddrFrom16([16]byte(m[8:24])).Unmap()
	if m[0] == unix.AF_INET {
		ip = netip.AddrFrom4([4]byte(m[8:12]))
	}
	return tcpEntry{
		state:   m[1],
		local:   netip.AddrPortFrom(ip, binary.BigEndian.Uint16(m[4:])),
		queue:   int(host.Uint32(m[56:])),
		backlog: int(host.Uint32(m[60:])),
		inode:   uint64(host.Uint32(m[68:])),
	}, true
}

// lookTCP adds the figures of the listening sockets of one family.
func (t *Table) lookTCP(family uint8, sockets []*Socket) error {
	var ports []int
	inodes := map[uint64]bool{}
	for _, s := range sockets {
		inodes[s.inode] = true
		if !slices.Contains(ports, s.port) {
			ports = append(ports, s.port)
		}
	}
	entries, err := tcpTable(family, ports)
	if err != nil {
		return err
	}
	listening := map[netip.AddrPort][]*Figures{}
	for _, e := range entries {
		if e.state == stateListen {
			f := &Figures{Queue: e.queue, Backlog: e.backlog, Accepted: map[uint64]bool{}, Unread: map[uint64]bool{}}
			listening[e.local] = append(listening[e.local], f)
			if inodes[e.inode] {
				t.figures[e.inode] = f
			}
		}
	}
	for _, e := range entries {
		if e.state == stateListen || e.inode == 0 {
			continue
		}
		group := listenersOf(e.local, family, listening)
		for _, f := range group {
			f.accept(e.inode, e.queue)
			f.Shared = len(group) > 1
		}
	}
	return nil
}

// listenersOf finds who may have accepted a connection to local: the listeners on
// that very address, else those on all of them. [::] takes IPv4 connections too; the
// kernel lists these under IPv6.
func listenersOf(local netip.AddrPort, family uint8, listening map[netip.AddrPort][]*Figures) []*Figures {
	if group := listening[local]; group != nil {
		return group
	}
	all := netip.IPv6Unspecified()
	if family == unix.AF_INET {
		all = netip.IPv4Unspecified()
	}
	return listening[netip.AddrPortFrom(all, local.Port())]
}

// holdersOf are the processes that listen where nobody else can listen on a then or,
// if none does, have a connection from it.
func holdersOf(a Address) *holders {
	ip, err := resolve(a)
	if err != nil {
		return &holders{}
	}
	listening, others := map[uint64]bool{}, map[uint64]bool{}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		entries, err := tcpTable(family, []int{a.Port})
		if err != nil {
			continue // the other family may tell
		}
		for _, e := range entries {
			if other := e.local.Addr(); fitness(other, ip) == 0 && fitness(ip, other) == 0 {
				continue
			}
			if e.state == stateListen {
				listening[e.inode] = true
			} else if e.inode != 0 {
				others[e.inode] = true
			}
		}
	}
	if len(listening) > 0 {
		return findHolders(listening)
	}
	return findHolders(others)
}
