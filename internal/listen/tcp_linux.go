package listen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// resolveTimeout bounds the wait for a name server.
const resolveTimeout = 5 * time.Second

func openTCP(a Address, o Options) (*Socket, error) {
	if a.Port < 1 || a.Port > 65535 {
		return nil, fmt.Errorf("listen on %s: port %d is out of range; use 1 to 65535", a, a.Port)
	}
	ip, err := resolve(a)
	if err != nil {
		return nil, err
	}
	if o.Beside != nil {
		if err := o.Beside.makeRoom(); err != nil {
			return nil, err
		}
	}
	domain := unix.AF_INET6
	if ip.Is4() {
		domain = unix.AF_INET
	}
	s, err := create(a, domain)
	if err != nil {
		return nil, err
	}
	s.port = a.Port
	if err := s.bindTCP(ip, o); err != nil {
		unix.Close(s.fd)
		err = explainTCP(a, err)
		if o.Beside != nil { // whose maker may have been another user
			err = noRoom{err, false}
		}
		return nil, err
	}
	return s, nil
}

func (s *Socket) bindTCP(ip netip.Addr, o Options) error {
	// Without it a port is taken for a minute after its last connections ended.
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if ip.Is6() {
		// [::] takes IPv4 too, whatever net.ipv6.bindv6only says (ipv6(7)).
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
			return err
		}
	}
	name, err := sockaddr(ip, s.port)
	if err != nil {
		return err
	}
	if o.Beside != nil {
		return s.join(name, o.Backlog)
	}
	return s.lead(name, o.Backlog)
}

func sockaddr(ip netip.Addr, port int) (unix.Sockaddr, error) {
	if ip.Is4() {
		return &unix.SockaddrInet4{Port: port, Addr: ip.As4()}, nil
	}
	name := &unix.SockaddrInet6{Port: port, Addr: ip.As16()}
	if zone := ip.Zone(); zone != "" {
		index, err := strconv.ParseUint(zone, 10, 32)
		if err != nil {
			device, err := net.InterfaceByName(zone)
			if err != nil {
				return nil, fmt.Errorf("interface %s: %v", zone, err)
			}
			index = uint64(device.Index)
		}
		name.ZoneId = uint32(index)
	}
	return name, nil
}

// BindTo binds a socket, not yet connected, to any port of one address of this machine,
// and says which.
func BindTo(fd int, ip netip.Addr) (netip.AddrPort, error) {
	name, err := sockaddr(ip, 0)
	if err == nil {
		err = unix.Bind(fd, name)
	}
	if err == nil {
		name, err = unix.Getsockname(fd)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(ip, uint16(name.Port)), err
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(ip, uint16(name.Port)), err
	}
	return netip.AddrPort{}, err
}

// resolve finds the address of a host. Of several it takes the first IPv4 one,
// as net.Listen does: "localhost" is 127.0.0.1 for web servers too.
func resolve(a Address) (netip.Addr, error) {
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		return ip.Unmap(), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", a.Host)
	if err != nil || len(found) == 0 {
		return netip.Addr{}, fmt.Errorf("listen on %s: find the address of %s: %v; try: an IP address", a, a.Host, err)
	}
	for _, ip := range found {
		if ip.Unmap().Is4() {
			return ip.Unmap(), nil
		}
	}
	return found[0], nil
}

func explainTCP(a Address, err error) error {
	switch err {
	case unix.EADDRINUSE:
		return inUse(a, holdersOf(a))
	case unix.EADDRNOTAVAIL:
		return fmt.Errorf("listen on %s: %s is no address of this machine; try: 127.0.0.1, or 0.0.0.0 for all its addresses", a, a.Host)
	case unix.EACCES:
		return fmt.Errorf("listen on %s: uid %d may not use port %d; try: a port above 1023, or CAP_NET_BIND_SERVICE",
			a, unix.Geteuid(), a.Port)
	}
	return fmt.Errorf("listen on %s: %v", a, err)
}
