package listen

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// Bound is the address at which clients reach a socket that was handed to us
// (systemd:, fd:), as the kernel has it; of any other it is the one it was opened
// with. False: it is not known, as of a socket that is only seen.
func (s *Socket) Bound() (Address, bool) {
	if s.address.Kind != Systemd && s.address.Kind != FD {
		return s.address, true
	}
	return s.Local()
}

// Local is the address that the kernel has for the socket (getsockname(2)): a host is a
// number there, and a Unix path the one that it was bound to, perhaps under a private
// name. False: it is not known.
func (s *Socket) Local() (Address, bool) {
	if s.fd < 0 {
		return Address{}, false
	}
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return Address{}, false
	}
	switch name := name.(type) {
	case *unix.SockaddrUnix:
		if len(name.Name) > 1 && name.Name[0] == '@' {
			return Address{Kind: Abstract, Path: name.Name[1:]}, true
		}
		return Address{Kind: Unix, Path: name.Name}, name.Name != ""
	case *unix.SockaddrInet4:
		return Address{Kind: TCP, Host: netip.AddrFrom4(name.Addr).String(), Port: name.Port}, true
	case *unix.SockaddrInet6:
		return Address{Kind: TCP, Host: netip.AddrFrom16(name.Addr).String(), Port: name.Port}, true
	}
	return Address{}, false
}
