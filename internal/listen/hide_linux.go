package listen

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Hide keeps new clients away from a socket whose end has come, while workers still
// take those that are in its queue; false where that cannot be done (abstract names,
// sockets that were handed to us, or that only workers have). The name of a Unix path
// is removed, so clients are refused. On TCP their first packets are dropped; they send
// them again after a second (RFC 6298, 2.1) and are refused then, or find the next
// socket.
func (s *Socket) Hide() (hidden bool, err error) {
	switch s.address.Kind {
	case Unix:
		err = s.Unlink()
	case TCP:
		if s.fd < 0 {
			return false, nil
		}
		err = s.dropFirstPackets()
	default:
		return false, nil
	}
	return err == nil, err
}

// dropFirstPackets has the kernel drop every packet with the flag SYN. The program
// (socket(7), SO_ATTACH_FILTER) sees the TCP header; connections that come of
// handshakes under way inherit it, and never meet that flag.
func (s *Socket) dropFirstPackets() error {
	const flags, syn = 13, 0x02 // RFC 9293, 3.1
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jf: 1, K: syn},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
	}
	err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return fmt.Errorf("keep new clients from %s: %w", s.address, err)
	}
	return nil
}

// showAgain undoes dropFirstPackets, if somebody before us has died in the middle.
func (s *Socket) showAgain() {
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) // ENOENT: there was none
}
