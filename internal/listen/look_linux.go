package listen

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Look reads what the kernel knows about listening sockets: one pass over each
// of its tables that is needed, however many sockets there are. The table is of
// use even with an error: Of says which sockets were seen. Where netlink is
// forbidden (RestrictAddressFamilies=, seccomp) none is.
//
// The kernel hands a table out in portions of 32 KiB (about 500 sockets). One
// that is opened or closed in between can, rarely, hide another from the look.
func Look(sockets []*Socket) (*Table, error) {
	byDomain := map[int][]*Socket{}
	for _, s := range sockets {
		byDomain[s.domain] = append(byDomain[s.domain], s)
	}
	t := &Table{figures: make(map[uint64]*Figures, len(sockets))}
	var failures []error
	for domain, group := range byDomain {
		var err error
		if domain == unix.AF_UNIX {
			err = t.lookUnix(inodesOf(group))
		} else {
			err = t.lookTCP(uint8(domain), group)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("read the kernel's socket table: %w", err))
		}
	}
	return t, errors.Join(failures...)
}

func inodesOf(sockets []*Socket) map[uint64]bool {
	inodes := make(map[uint64]bool, len(sockets))
	for _, s := range sockets {
		inodes[s.inode] = true
	}
	return inodes
}
