package executor

import (
	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/listen"
)

// Store keeps descriptors open while nobody lives who has them, and hands them to
// the next supervisor.
type Store interface {
	Keep(name string, fd int) // again: no harm
	Drop(name string)
	Settle() // returns when what was dropped is closed
}

// keepSockets has the store hold the sockets that clients may be connected to, and
// no others: also when we and all workers are killed at once, clients wait in the
// queue. It follows every change of the sockets, and tells whether any was dropped.
func (e *Executor) keepSockets() (dropped bool) {
	now := map[uint64]bool{}
	for _, c := range e.all() {
		for _, s := range c.sockets() {
			if !storable(s) {
				continue
			}
			now[s.Inode()] = true
			if !e.stored[s.Inode()] {
				e.store.Keep(listen.StoreName(s.Inode()), s.FD())
			}
		}
	}
	for inode := range e.stored {
		if !now[inode] {
			e.store.Drop(listen.StoreName(inode))
			dropped = true
		}
	}
	e.stored = now
	return dropped
}

// freeAddresses is keepSockets where somebody may bind the address of a socket that
// was dropped at once.
func (e *Executor) freeAddresses() {
	if e.keepSockets() {
		e.store.Settle()
	}
}

// Release closes sockets that were handed to us, by inode, and are no use, and takes
// them out of the store; before Run. Their addresses can be bound then.
func (e *Executor) Release(sockets map[uint64]int) {
	for inode, fd := range sockets {
		e.stored[inode] = true // for all we know
		unix.Close(fd)
	}
	e.freeAddresses()
}

// storable: we have bound it. Who has handed us the others keeps them.
func storable(s *listen.Socket) bool {
	switch s.Address().Kind {
	case listen.Systemd, listen.FD:
		return false
	}
	return s.FD() >= 0
}
