package executor

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
)

// What is in the store. Not covered: sockets that come out of it (internal/daemon),
// systemd's store (internal/boottest).

// shelf is a store that notes what it has; read by the test between orders.
type shelf struct {
	has     map[string]uint64 // inodes by name
	pending bool              // something was dropped since the last Settle
	faults  []string
}

func newShelf() *shelf { return &shelf{has: map[string]uint64{}} }

func (s *shelf) Keep(name string, fd int) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		s.faults = append(s.faults, fmt.Sprintf("keep %s: %v", name, err))
	}
	s.has[name] = stat.Ino
}

func (s *shelf) Drop(name string) {
	if _, known := s.has[name]; !known {
		s.faults = append(s.faults, "drop "+name+", which is not there")
	}
	delete(s.has, name)
	s.pending = true
}

func (s *shelf) Settle() { s.pending = false }

// holds compares what is in the store with the sockets it should have.
func (s *stage) holds(when string, inodes ...uint64) {
	s.t.Helper()
	want := map[string]uint64{}
	for _, inode := range inodes {
		want[listen.StoreName(inode)] = inode
	}
	if !maps.Equal(s.store.has, want) || len(s.store.faults) > 0 {
		s.t.Errorf("%s the store has %v, want %v (faults: %q)", when, s.store.has, want, s.store.faults)
	}
}

func TestStoreHasWhatClientsMayBeConnectedTo(t *testing.T) {
	s := set(t, "serve")
	c := s.e.all()["blog"]
	first := c.socket.Load().Inode()
	s.holds("after Bind", first)
	s.start(1)
	s.e.Do(supervisor.Open{Pool: "blog", Generation: 2})
	next[supervisor.Opened](s)
	second := c.socketsApart()[0].Inode()
	s.holds("beside a candidate", first, second)
	s.e.Do(supervisor.Expose{Pool: "blog", Generation: 2})
	next[supervisor.Exposed](s)
	s.holds("while the old generation drains", first, second)
	s.end(1)
	s.e.Do(supervisor.Shut{Pool: "blog", Generation: 1})
	s.unbindAfter(func() { s.holds("after the swap", second) })
	s.holds("after Unbind")
	if s.store.pending {
		t.Error("the address is free while the store may still have its socket")
	}
}

// unbindAfter has something looked at when all orders so far are carried out.
func (s *stage) unbindAfter(look func()) {
	s.t.Helper()
	s.e.wait(look)
	s.unbind()
}

// Sockets that others have handed to us are theirs to keep.
func TestStoreHasNoSocketOfOthers(t *testing.T) {
	s := set(t, "serve")
	own := s.e.all()["blog"].socket.Load()
	kinds := []listen.Kind{listen.Unix, listen.Abstract, listen.TCP}
	for _, kind := range []listen.Kind{listen.Unix, listen.Abstract, listen.TCP, listen.Systemd, listen.FD} {
		fd, err := unix.Dup(own.FD())
		if err != nil {
			t.Fatal(err)
		}
		socket, err := listen.Adopt(listen.Address{Kind: kind, Path: own.Path()}, fd, 1, own.Trace())
		if err != nil {
			t.Fatal(err)
		}
		if got := storable(socket); got != slices.Contains(kinds, kind) {
			t.Errorf("%s: stored: %v", kind, got)
		}
		socket.Close()
	}
	if storable(listen.Shadow(own.Address(), own.Inode(), 1, own.Trace())) {
		t.Error("a socket without a descriptor is stored")
	}
	s.unbind()
}
