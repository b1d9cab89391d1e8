package executor

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/fastcgi"
	"fcgi-supervisor/internal/listen"
)

// place is where a socket can be connected to: under the name that it has now,
// which for a candidate is its private one.
type place struct {
	network, address string
	admit            func(netip.AddrPort) error // sends a connection from there to a hidden socket, and no other; nil: clients reach it
	err              error                      // it is not known where
}

// placeOf is asked by who may change the socket; others may use what it returns.
func placeOf(socket *listen.Socket) place {
	if path := socket.Path(); path != "" {
		return place{network: "unix", address: path}
	}
	network, address, err := boundTo(socket)
	return place{network: network, address: address, err: err}
}

func (p place) dial(ctx context.Context) (net.Conn, error) {
	if p.err != nil {
		return nil, p.err
	}
	if p.admit != nil {
		return p.dialHidden(ctx)
	}
	if p.network != "unix" || !filepath.IsAbs(p.address) {
		return fastcgi.Dial(ctx, p.network, p.address)
	}
	// By a descriptor of its folder: a private name may be longer than connect(2)
	// takes.
	folder, err := unix.Open(filepath.Dir(p.address), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", p.address, err)
	}
	defer unix.Close(folder)
	return fastcgi.Dial(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", folder, filepath.Base(p.address)))
}

// dialHidden connects to a socket that shares its address with the one that clients
// reach: from an address that the kernel has been told of, before it sees the first
// packet.
func (p place) dialHidden(ctx context.Context) (net.Conn, error) {
	to, err := netip.ParseAddrPort(p.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.admit(netip.AddrPort{}) }() // a connection that is made stays
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			var from netip.AddrPort
			if from, failed = listen.BindTo(int(fd), to.Addr()); failed == nil {
				failed = p.admit(from)
			}
		})
		return cmp.Or(err, failed)
	}}
	conn, err := dialer.DialContext(ctx, p.network, p.address)
	if err != nil {
		return nil, fmt.Errorf("connect to the new workers on %s: %w", p.address, err)
	}
	return conn, nil
}

// boundTo is where a socket without a name of ours listens: it may have been
// handed to us.
func boundTo(socket *listen.Socket) (network, address string, err error) {
	a, known := socket.Local()
	if !known {
		return "", "", fmt.Errorf("it is not known where %s listens", socket.Address())
	}
	switch a.Kind {
	case listen.Abstract:
		return "unix", "@" + a.Path, nil
	case listen.TCP:
		switch a.Host { // "every address" cannot be connected to
		case "0.0.0.0":
			a.Host = "127.0.0.1"
		case "::":
			a.Host = "::1"
		}
		return "tcp", a.HostPort(), nil
	}
	return "unix", a.Path, nil
}
