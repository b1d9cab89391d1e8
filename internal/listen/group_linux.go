package listen

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A TCP address has no name that could be moved from one socket to another. But
// sockets of one user may listen on it as a group (SO_REUSEPORT), and the kernel asks
// a program of ours which of them gets a new connection (SO_ATTACH_REUSEPORT_CBPF,
// Linux 4.6 for TCP; socket(7)). Connections that are there already, in the queue or
// in the middle of the handshake, stay where they are.
//
// The program names a place in the group. There are never more than two of us in it:
// the socket that came first has the first place, the one that came later the second,
// and when the first is closed, the second moves up (reuseport_detach_sock). A place
// that nobody has means any socket of the group, so the program for the second place
// is right for one that is alone, too.
const (
	firstPlace  = 0
	secondPlace = 1
)

// lead binds the socket, as the only one at its address, and has it listen as the
// first of a group. A kernel that knows no such groups leaves it alone.
func (s *Socket) lead(name unix.Sockaddr, backlog int) error {
	if err := unix.Bind(s.fd, name); err != nil {
		return err
	}
	// Only now: until it is set nobody else can listen here, and we nowhere where
	// somebody else does.
	grouped := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) == nil
	if err := unix.Listen(s.fd, backlog); err != nil {
		return err
	}
	if grouped {
		_ = s.steer(to(firstPlace)) // asked again by makeRoom
	}
	return s.markExposed()
}

// join has the socket listen beside another one, which goes on to get all new
// connections until Expose.
func (s *Socket) join(name unix.Sockaddr, backlog int) error {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return err
	}
	if err := unix.Bind(s.fd, name); err != nil {
		return err
	}
	s.hidden = true
	return unix.Listen(s.fd, backlog)
}

// makeRoom prepares for another socket that is to join. Its errors are ErrNoRoom. Of a
// Shadow nobody can say who gets the clients until the other one is exposed.
func (s *Socket) makeRoom() error {
	others, err := s.others()
	if err != nil {
		return noRoom{err, false}
	}
	if len(others) > 0 {
		return noRoom{inUse(s.address, findHolders(others)), true}
	}
	if s.fd < 0 {
		return nil // whoever had the descriptor has sent all clients to it
	}
	if err := s.steer(to(firstPlace)); err != nil {
		return noRoom{fmt.Errorf("say who gets the clients of %s: %w", s.address, err), false}
	}
	return nil
}

// noRoom says why; crowded: because there are two already.
type noRoom struct {
	error
	crowded bool
}

func (e noRoom) Is(target error) bool {
	return target == ErrNoRoom || target == ErrNotAlone && e.crowded
}

// others are the inodes of the other sockets that listen where s does.
func (s *Socket) others() (map[uint64]bool, error) {
	entries, err := tcpTable(uint8(s.domain), []int{s.port})
	if err != nil {
		return nil, fmt.Errorf("read the kernel's socket table: %w", err)
	}
	var own netip.AddrPort
	for _, e := range entries {
		if e.inode == s.inode {
			own = e.local
		}
	}
	others := map[uint64]bool{}
	for _, e := range entries {
		if e.state == stateListen && e.local == own && e.inode != s.inode {
			others[e.inode] = true
		}
	}
	return others, nil
}

// Handshakes counts the clients of a TCP address whose connections are not complete
// yet; of others there are none. To which of two sockets there they belong the kernel
// does not tell.
func (s *Socket) Handshakes() (int, error) {
	if s.port == 0 {
		return 0, nil
	}
	entries, err := tcpTableOf(1<<stateSynRecv, uint8(s.domain), []int{s.port})
	return len(entries), err
}

// takeOver sends new connections to s from now on. Whose address it is is marked
// first: if we end in between, a successor does it again.
func (s *Socket) takeOver() error {
	err := s.markExposed()
	if err == nil {
		err = s.steer(to(secondPlace))
	}
	if err != nil {
		return fmt.Errorf("expose %s: %w", s.address, err)
	}
	s.hidden = false
	return nil
}

// exposedMark is an option that means nothing for TCP. It tells a successor which of
// two sockets clients reach.
const exposedMark = unix.SO_BROADCAST

func (s *Socket) markExposed() error {
	return unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, exposedMark, 1)
}

// wasExposed: clients reach the socket, or did before another one was exposed.
func (s *Socket) wasExposed() bool {
	mark, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, exposedMark)
	return err == nil && mark != 0
}

// Regroup goes on with the sockets of one TCP address, which were taken back and are
// given in the order of their birth. It returns the one that clients reach: whoever
// was about to change that may have died in the middle.
func Regroup(sockets []*Socket) *Socket {
	exposed, place := sockets[0], uint32(firstPlace)
	for _, s := range sockets[1:] {
		if s.hidden = !s.wasExposed(); !s.hidden {
			exposed, place = s, secondPlace
		}
	}
	_ = exposed.markExposed() // one that is alone is, whatever it was to be
	if len(sockets) > 1 {
		_ = exposed.steer(to(place)) // nothing was changed by who could not
	}
	return exposed
}
