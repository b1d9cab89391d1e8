package listen

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Open makes, or takes over, the listening socket of an address. The error says
// what is in the way (who holds the address, which folder is missing) and what
// to do about it.
func Open(a Address, o Options) (*Socket, error) {
	if o.Backlog <= 0 {
		o.Backlog = DefaultBacklog
	}
	switch a.Kind {
	case Unix:
		return openPath(a, o)
	case Abstract:
		return openAbstract(a, o)
	case TCP:
		return openTCP(a, o)
	case Systemd:
		return openNamed(a)
	case FD:
		return openDescriptor(a)
	}
	return nil, fmt.Errorf("listen on %q: no such kind of address", a.Kind)
}

// create makes a stream socket that no child inherits. It is blocking; doc.go
// says why.
func create(a Address, domain int) (*Socket, error) {
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == unix.EAFNOSUPPORT && domain == unix.AF_INET6 {
		return nil, fmt.Errorf("listen on %s: IPv6 is switched off on this machine", a)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: create a socket: %v", a, err)
	}
	return describe(a, fd)
}

// describe completes a Socket around a descriptor, which it closes on failure.
func describe(a Address, fd int) (*Socket, error) {
	s := &Socket{address: a, fd: fd}
	var stat unix.Stat_t
	err := unix.Fstat(fd, &stat)
	if err == nil {
		s.inode = stat.Ino
		s.domain, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen on %s: inspect the socket: %v", a, err)
	}
	return s, nil
}

// openAbstract needs no care for stale names: an abstract name lives as long as
// its socket (unix(7)).
func openAbstract(a Address, o Options) (*Socket, error) {
	s, err := create(a, unix.AF_UNIX)
	if err != nil {
		return nil, err
	}
	err = unix.Bind(s.fd, &unix.SockaddrUnix{Name: "@" + a.Path})
	if err == nil {
		err = unix.Listen(s.fd, o.Backlog)
	}
	if err == nil {
		return s, nil
	}
	unix.Close(s.fd)
	if err == unix.EADDRINUSE {
		return nil, inUse(a, holdersOfName(a.Path))
	}
	return nil, fmt.Errorf("listen on %s: %v", a, err)
}

// Close gives up our descriptor. Workers that hold the socket keep it, listening
// and with its queue: there is no shutdown(2), which would end it for them too.
func (s *Socket) Close() error {
	if s.fd < 0 {
		return nil
	}
	fd := s.fd
	s.fd = -1
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("close the socket of %s: %v", s.address, err)
	}
	return nil
}

// SetBlocking clears O_NONBLOCK, which a worker may have set for all of them.
// It is for the moments when no worker of the pool lives: a worker that had set
// it does not expect accept to wait.
func (s *Socket) SetBlocking() error {
	if err := unix.SetNonblock(s.fd, false); err != nil {
		return fmt.Errorf("make the socket of %s blocking: %v", s.address, err)
	}
	return nil
}
