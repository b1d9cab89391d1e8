package listen

import (
	"net/netip"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// At is the socket that listens at an address, as whoever looks from outside sees
// it: without a descriptor, for Figures and Holders. It is nil if nobody listens
// there, in our network namespace. What lies at a Unix path and is no socket is an
// error.
func At(a Address) (*Socket, error) {
	switch a.Kind {
	case Unix:
		present, err := identify(a.Path)
		if err != nil || present == (file{}) {
			return nil, err
		}
		want := kernelName(present)
		found, err := unixAt(a, func(e unixEntry) bool { return e.name == want })
		if found == nil && err == nil {
			// stat(2) shows other devices than the kernel means on overlayfs and btrfs;
			// our names for sockets all begin alike (privatePath).
			name := filepath.Base(a.Path)
			found, err = unixAt(a, func(e unixEntry) bool {
				return e.name.node == want.node && strings.HasPrefix(filepath.Base(e.bound), name)
			})
		}
		return found, err
	case Abstract:
		return unixAt(a, func(e unixEntry) bool { return e.name.abstract == a.Path })
	case TCP:
		return tcpAt(a)
	}
	return nil, nil
}

func unixAt(a Address, match func(unixEntry) bool) (*Socket, error) {
	entries, err := unixTable(stateListen)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if match(e) {
			return Shadow(a, e.inode, 0, Trace{}), nil
		}
	}
	return nil, nil
}

// tcpAt finds who gets the connections to an address: a listener on that very one,
// else one on all addresses, of which [::] takes IPv4 too (ipv6(7)).
func tcpAt(a Address) (*Socket, error) {
	ip, err := resolve(a)
	if err != nil {
		return nil, err
	}
	var found *Socket
	best := 0
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		entries, err := tcpTable(family, []int{a.Port})
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if fits := fitness(e.local.Addr(), ip); e.state == stateListen && fits > best {
				best, found = fits, Shadow(a, e.inode, 0, Trace{})
				found.domain = int(family)
			}
		}
	}
	return found, nil
}

// fitness is 0 for a listener that gets no connections to ip.
func fitness(listener, ip netip.Addr) int {
	switch {
	case listener == ip:
		return 3
	case listener == netip.IPv4Unspecified() && ip.Is4(), listener == netip.IPv6Unspecified() && ip.Is6():
		return 2
	case listener == netip.IPv6Unspecified():
		return 1
	}
	return 0
}
