package listen

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	// The kernel fills at most 32 KiB of a dump at a time (netlink_dump).
	netlinkBuffer = 64 << 10
	dumpAttempts  = 10
)

// errInterrupted: the table changed in a way that makes the dump inconsistent
// (NLM_F_DUMP_INTR, netlink(7)).
var errInterrupted = errors.New("the kernel's table changed at every attempt")

// dump asks sock_diag(7) for a table and returns what parse makes of its
// entries, leaving out those it refuses.
func dump[T any](request []byte, parse func(message []byte) (T, bool)) ([]T, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	defer unix.Close(fd)
	buffer := make([]byte, netlinkBuffer)
	for sequence := range uint32(dumpAttempts) {
		if err := send(fd, sequence, request); err != nil {
			return nil, err
		}
		entries, err := receive(fd, sequence, buffer, parse)
		if err != errInterrupted {
			return entries, err
		}
	}
	return nil, errInterrupted
}

func send(fd int, sequence uint32, request []byte) error {
	message := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(request))
	host := binary.NativeEndian
	host.PutUint32(message[0:], uint32(unix.SizeofNlMsghdr+len(request)))
	host.PutUint16(message[4:], unix.SOCK_DIAG_BY_FAMILY)
	host.PutUint16(message[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	host.PutUint32(message[8:], sequence)
	err := unix.Sendto(fd, append(message, request...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	if err != nil {
		return fmt.Errorf("ask netlink: %w", err)
	}
	return nil
}

// receive reads one dump to its end, also when it is interrupted, so that the
// next one starts on an empty socket.
func receive[T any](fd int, sequence uint32, buffer []byte, parse func([]byte) (T, bool)) ([]T, error) {
	var entries []T
	var interrupted bool
	for {
		// With MSG_TRUNC the length is the message's, even if it did not fit.
		n, _, err := unix.Recvfrom(fd, buffer, unix.MSG_TRUNC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read netlink: %w", err)
		}
		if n == 0 || n > len(buffer) {
			return nil, fmt.Errorf("read netlink: a message of %d bytes", n)
		}
		for rest := buffer[:n]; len(rest) > 0; {
			var m message
			if m, rest, err = cut(rest); err != nil {
				return nil, err
			}
			if m.sequence != sequence {
				continue
			}
			interrupted = interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
			switch m.kind {
			case unix.NLMSG_ERROR, unix.NLMSG_DONE:
				if err := m.status(); err != nil {
					return nil, err
				}
				if interrupted {
					return nil, errInterrupted
				}
				return entries, nil
			case unix.SOCK_DIAG_BY_FAMILY:
				if entry, ok := parse(m.body); ok {
					entries = append(entries, entry)
				}
			}
		}
	}
}

type message struct {
	kind, flags uint16
	sequence    uint32
	body        []byte
}

// cut takes the first message off a packet.
func cut(packet []byte) (m message, rest []byte, err error) {
	host := binary.NativeEndian
	if len(packet) < unix.SizeofNlMsghdr {
		return m, nil, errors.New("read netlink: a header cut short")
	}
	length := int(host.Uint32(packet))
	if length < unix.SizeofNlMsghdr || length > len(packet) {
		return m, nil, fmt.Errorf("read netlink: a message of %d bytes in a packet of %d", length, len(packet))
	}
	m.kind, m.flags = host.Uint16(packet[4:]), host.Uint16(packet[6:])
	m.sequence = host.Uint32(packet[8:])
	m.body = packet[unix.SizeofNlMsghdr:length]
	return m, packet[min(align(length), len(packet)):], nil
}

// status is the outcome that the message ending a dump carries: a negative errno.
func (m message) status() error {
	if len(m.body) < 4 {
		return nil
	}
	switch status := int32(binary.NativeEndian.Uint32(m.body)); {
	case status == -int32(unix.ENOENT):
		return errors.New("netlink: the kernel has no socket tables for this family (unix_diag, tcp_diag)")
	case status < 0:
		return fmt.Errorf("netlink: %w", unix.Errno(-status))
	}
	return nil
}

// attributes calls use for every attribute in a message's tail (netlink(7),
// rtnetlink(7): length, type, value, padding to 4 bytes).
func attributes(tail []byte, use func(kind uint16, value []byte)) {
	host := binary.NativeEndian
	for len(tail) >= unix.SizeofRtAttr {
		length := int(host.Uint16(tail))
		if length < unix.SizeofRtAttr || length > len(tail) {
			return
		}
		use(host.Uint16(tail[2:]), tail[unix.SizeofRtAttr:length])
		tail = tail[min(align(length), len(tail)):]
	}
}

func align(length int) int { return (length + 3) &^ 3 }
