package listen

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Admit sends, of all new connections, only those from one address to a socket that
// is not exposed; from the zero address: none. It does nothing to any other socket.
func (s *Socket) Admit(from netip.AddrPort) error {
	if !s.hidden {
		return nil
	}
	program := to(firstPlace)
	if from.IsValid() {
		program = toSecondFrom(from)
	}
	return s.steer(program)
}

func (s *Socket) steer(program []unix.SockFilter) error {
	return unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

// to is the program that sends everything to one place.
func to(place uint32) []unix.SockFilter {
	return []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: place}}
}

// toSecondFrom sends to the second place what comes from one address, and all else to
// the first. The program sees what follows the TCP header; SKF_NET_OFF is where the IP
// header begins (linux/filter.h). Of an IPv6 address the last four bytes must do. A
// packet that is too short for what is asked of it goes to the first place.
func toSecondFrom(from netip.AddrPort) []unix.SockFilter {
	const netOff = -0x100000
	address, port := 12, 20 // RFC 791, without options: it comes from this machine
	if from.Addr().Is6() {
		address, port = 8+12, 40 // RFC 8200
	}
	ip := from.Addr().AsSlice()
	at := func(offset int) uint32 { return uint32(int32(netOff + offset)) }
	const load, equal, answer = unix.BPF_LD | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	return []unix.SockFilter{
		{Code: load | unix.BPF_W, K: at(address)},
		{Code: equal, Jf: 3, K: binary.BigEndian.Uint32(ip[len(ip)-4:])},
		{Code: load | unix.BPF_H, K: at(port)},
		{Code: equal, Jf: 1, K: uint32(from.Port())},
		{Code: answer, K: secondPlace},
		{Code: answer, K: firstPlace},
	}
}
