//go:build !linux

package listen

import (
	"errors"
	"fmt"
	"net/netip"
)

// Open is for Linux only.
func Open(a Address, _ Options) (*Socket, error) {
	return nil, fmt.Errorf("listen on %s: %w", a, errors.ErrUnsupported)
}

// Inherited finds nothing elsewhere than on Linux.
func Inherited() map[string][]int { return nil }

// Stored finds nothing elsewhere than on Linux.
func Stored() map[uint64]int { return nil }

// StoreName is for Linux only.
func StoreName(uint64) string { return "" }

// Trace is described in adopt_linux.go.
type Trace struct{ Inode, Device, Node uint64 }

// Trace is for Linux only.
func (s *Socket) Trace() Trace { return Trace{} }

// Adopt is for Linux only.
func Adopt(a Address, _, _ int, _ Trace) (*Socket, error) { return Open(a, Options{}) }

// Shadow is for Linux only.
func Shadow(a Address, inode uint64, _ int, _ Trace) *Socket {
	return &Socket{address: a, inode: inode, fd: -1}
}

// Passed finds nothing elsewhere than on Linux.
func Passed() (map[string][]int, map[int]int) { return nil, nil }

// Resume is for Linux only.
func Resume(map[string][]int, map[int]int) {}

// Look is for Linux only.
func Look([]*Socket) (*Table, error) {
	return &Table{}, fmt.Errorf("look at sockets: %w", errors.ErrUnsupported)
}

// Holders finds nobody elsewhere than on Linux.
func Holders(uint64) (seen []Holder, hidden int) { return nil, 0 }

// Expose is for Linux only.
func (s *Socket) Expose(*Socket) error { return errors.ErrUnsupported }

// BindTo is for Linux only.
func BindTo(int, netip.Addr) (netip.AddrPort, error) {
	return netip.AddrPort{}, errors.ErrUnsupported
}

// Handshakes is for Linux only.
func (s *Socket) Handshakes() (int, error) { return 0, errors.ErrUnsupported }

// Admit is for Linux only.
func (s *Socket) Admit(netip.AddrPort) error { return errors.ErrUnsupported }

// Regroup finds nothing elsewhere than on Linux.
func Regroup(sockets []*Socket) *Socket { return sockets[0] }

// Hide is for Linux only.
func (s *Socket) Hide() (bool, error) { return false, errors.ErrUnsupported }

// Unlink is for Linux only.
func (s *Socket) Unlink() error { return errors.ErrUnsupported }

// Bound is for Linux only.
func (s *Socket) Bound() (Address, bool) { return Address{}, false }

// Local is for Linux only.
func (s *Socket) Local() (Address, bool) { return Address{}, false }

// Close is for Linux only.
func (s *Socket) Close() error { return errors.ErrUnsupported }

// SetBlocking is for Linux only.
func (s *Socket) SetBlocking() error { return errors.ErrUnsupported }
