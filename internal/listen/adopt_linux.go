package listen

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Trace is what is written down of a socket, to know it again when the supervisor
// that opened it is no more.
type Trace struct {
	Inode        uint64
	Device, Node uint64 // of the file that it is bound to; 0: none
}

// Trace returns what Adopt needs.
func (s *Socket) Trace() Trace { return Trace{s.inode, s.bound.device, s.bound.node} }

// Adopt makes a Socket of a descriptor that was taken from a worker, and which
// belongs to the Socket from now on, also if Adopt fails. t is the socket's trace,
// or the zero Trace. A Unix path is looked for: it may have been moved to its
// address, or removed, since the trace was written.
func Adopt(a Address, fd, generation int, t Trace) (*Socket, error) {
	if what := socketType(fd); what != "" {
		unix.Close(fd)
		return nil, fmt.Errorf("take back the socket of %s: it is %s", a, what)
	}
	s, err := describe(a, fd)
	if err != nil {
		return nil, err
	}
	if err := s.findPort(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	s.findName(generation, t)
	if a.Kind == TCP {
		s.showAgain()
	}
	return s, nil
}

// Shadow is a Socket without a descriptor: its workers have it, and we may not
// take it from them. It can be looked at and its name be replaced or removed.
func Shadow(a Address, inode uint64, generation int, t Trace) *Socket {
	s := &Socket{address: a, fd: -1, inode: inode, domain: unix.AF_UNIX, port: a.Port}
	if a.Kind == TCP {
		s.domain = unix.AF_INET
		if ip, err := resolve(a); err == nil && !ip.Is4() {
			s.domain = unix.AF_INET6
		}
	}
	s.findName(generation, t)
	return s
}

func (s *Socket) findPort() error {
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return fmt.Errorf("listen on %s: find out where: %v", s.address, err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		s.port = name.Port
	case *unix.SockaddrInet6:
		s.port = name.Port
	}
	return nil
}

// findName finds where the file of a Unix path is now: at the address, under the
// private name of its generation, or nowhere.
func (s *Socket) findName(generation int, t Trace) {
	if s.address.Kind != Unix {
		return
	}
	for _, path := range []string{s.address.Path, privatePath(s.address.Path, generation)} {
		present, err := identify(path)
		if err == nil && present != (file{}) && s.isBoundTo(present, t) {
			s.path, s.bound = path, present
			return
		}
	}
}

// isBoundTo compares with the trace; without one, with the kernel's table, whose
// device numbers are others than stat(2)'s on overlayfs and btrfs.
func (s *Socket) isBoundTo(f file, t Trace) bool {
	if t.Inode == s.inode && t.Node != 0 {
		return f == file{t.Device, t.Node}
	}
	entries, err := unixTable(stateListen)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.inode == s.inode {
			return e.name == kernelName(f)
		}
	}
	return false
}
