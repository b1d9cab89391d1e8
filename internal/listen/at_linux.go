package listen

import "golang.org/x/sys/unix"

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
		return unixAt(a, func(n unixName) bool { return n == want })
	case Abstract:
		return unixAt(a, func(n unixName) bool { return n.abstract == a.Path })
	case TCP:
		return tcpAt(a)
	}
	return nil, nil
}

func unixAt(a Address, match func(unixName) bool) (*Socket, error) {
	entries, err := unixTable(stateListen)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if match(e.name) {
			return Shadow(a, e.inode, 0, Trace{}), nil
		}
	}
	return nil, nil
}

func tcpAt(a Address) (*Socket, error) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		entries, err := tcpTable(family, []int{a.Port})
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.state == stateListen {
				s := Shadow(a, e.inode, 0, Trace{})
				s.domain = int(family)
				return s, nil
			}
		}
	}
	return nil, nil
}
