package listen

// Not covered: a dump that the kernel interrupts, and sockets of another network
// namespace, other than that they are reported as not seen.

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// kindsOfSocket opens one of each kind, under names of their own.
func kindsOfSocket(t testing.TB) map[string]*Socket {
	path := pathAddress(t)
	o := anyone()
	o.Private = true
	return map[string]*Socket{
		"path":          open(t, path, anyone()),
		"private path":  open(t, pathAddress(t), o),
		"abstract":      open(t, Address{Kind: Abstract, Path: filepath.Base(filepath.Dir(path.Path))}, anyone()),
		"IPv4":          openTCPSomewhere(t, "127.0.0.1"),
		"IPv4 wildcard": openTCPSomewhere(t, "0.0.0.0"),
		"IPv6":          openTCPSomewhere(t, "::1"),
		"IPv6 wildcard": openTCPSomewhere(t, "::"),
	}
}

// lookFor looks until as many connections are queued as are expected: over
// loopback TCP the client's connect(2) may return before the last segment of the
// handshake has put its connection into the queue.
func lookFor(t *testing.T, sockets []*Socket, s *Socket, queue int) Figures {
	t.Helper()
	var f Figures
	for range 10000 {
		table, err := Look(sockets)
		if err != nil {
			t.Fatal(err)
		}
		var ok bool
		if f, ok = table.Of(s); !ok {
			t.Fatalf("%s was not seen", s.Address())
		}
		if f.Queue == queue {
			return f
		}
		runtime.Gosched()
	}
	t.Fatalf("%s: queue %d, want %d", s.Address(), f.Queue, queue)
	return f
}

func TestLook(t *testing.T) {
	kinds := kindsOfSocket(t)
	var all []*Socket
	for _, s := range kinds {
		all = append(all, s)
	}
	for name, s := range kinds { // the others have connections then: none may be mistaken
		t.Run(name, func(t *testing.T) {
			const clients, accepted = 5, 3
			for range clients {
				connect(t, s)
			}
			if f := lookFor(t, all, s, clients); len(f.Accepted) != 0 {
				t.Errorf("nobody accepted, but: %v", f.Accepted)
			}
			want := map[uint64]bool{}
			var last int
			var lastInode uint64
			for range accepted {
				last, lastInode = accept(t, s)
				want[lastInode] = true
			}
			f := lookFor(t, all, s, clients-accepted)
			if !maps.Equal(f.Accepted, want) {
				t.Errorf("accepted %v, want %v", f.Accepted, want)
			}
			unix.Shutdown(last, unix.SHUT_WR) // half closed, still held
			if got, err := Connections(s); err != nil || !maps.Equal(got, want) {
				t.Errorf("after a shutdown: %v, %v", got, err)
			}
			// The number goes to another file, for the cleanup to close.
			if err := unix.Dup3(s.FD(), last, unix.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			delete(want, lastInode)
			if got, err := Connections(s); err != nil || !maps.Equal(got, want) {
				t.Errorf("after a close: %v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestMappedConnections(t *testing.T) {
	s := openTCPSomewhere(t, "::")
	connectTo(t, unix.AF_INET, &unix.SockaddrInet4{Port: s.Address().Port, Addr: [4]byte{127, 0, 0, 1}})
	_, inode := accept(t, s)
	if got, err := Connections(s); err != nil || !maps.Equal(got, map[uint64]bool{inode: true}) {
		t.Errorf("%v, %v; want %d", got, err, inode)
	}
}

func TestBacklogAsApplied(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		t.Fatal(err)
	}
	var limit int
	if _, err := fmt.Sscan(string(text), &limit); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ asked, want int }{{11, min(11, limit)}, {1 << 30, limit}, {0, min(DefaultBacklog, limit)}} {
		o := anyone()
		o.Backlog = c.asked
		if _, backlog, err := open(t, pathAddress(t), o).Queue(); err != nil || backlog != c.want {
			t.Errorf("asked for %d: %d, %v; want %d", c.asked, backlog, err, c.want)
		}
	}
}

func TestSocketsNotSeen(t *testing.T) {
	s := open(t, pathAddress(t), anyone())
	gone, err := Open(pathAddress(t), anyone())
	if err != nil {
		t.Fatal(err)
	}
	gone.Unlink()
	gone.Close()
	table, err := Look([]*Socket{gone, s})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := table.Of(gone); ok {
		t.Error("a closed socket was seen")
	}
	if _, ok := table.Of(s); !ok {
		t.Error("an open socket was not seen")
	}
	if queue, _, err := gone.Queue(); err == nil {
		t.Errorf("a closed socket has a queue of %d", queue)
	}
	_, err = Look([]*Socket{s, {domain: unix.AF_APPLETALK}})
	wantError(t, err, "netlink")
}

func TestBlockingStaysOn(t *testing.T) {
	for name, s := range kindsOfSocket(t) {
		connect(t, s)
		accept(t, s)
		if _, err := Look([]*Socket{s}); err != nil {
			t.Error(err)
		}
		if !blocking(s.FD()) || !closedOnExec(s.FD()) {
			t.Errorf("%s: blocking %t, close-on-exec %t", name, blocking(s.FD()), closedOnExec(s.FD()))
		}
		unix.SetNonblock(s.FD(), true)
		if err := s.SetBlocking(); err != nil || !blocking(s.FD()) {
			t.Errorf("%s: after SetBlocking: %t, %v", name, blocking(s.FD()), err)
		}
	}
}

// Whoever else holds the socket goes on with it after our Close.
func TestCloseIsNotShutdown(t *testing.T) {
	for name, s := range kindsOfSocket(t) {
		held := asFileDescriptor(t, s.FD())
		client := *s
		client.fd = held
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: second Close: %v", name, err)
		}
		connect(t, &client)
		accept(t, &client)
	}
}

func asFileDescriptor(t *testing.T, fd int) int {
	t.Helper()
	held, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(held) })
	return held
}

func TestHolders(t *testing.T) {
	s := open(t, pathAddress(t), anyone())
	seen, _ := Holders(s.Inode())
	if len(seen) != 1 || seen[0].PID != os.Getpid() || !strings.Contains(seen[0].Command, filepath.Base(os.Args[0])) {
		t.Errorf("%v", seen)
	}
	if seen, _ := Holders(1 << 40); len(seen) != 0 {
		t.Errorf("nobody's socket is held by %v", seen)
	}
}

// BenchmarkLook: 8 sockets, 512 accepted connections.
func BenchmarkLook(b *testing.B) {
	for name, make := range map[string]func() *Socket{
		"path": func() *Socket { return open(b, pathAddress(b), anyone()) },
		"IPv4": func() *Socket { return openTCPSomewhere(b, "127.0.0.1") },
	} {
		b.Run(name, func(b *testing.B) {
			var sockets []*Socket
			for range 8 {
				s := make()
				for range 64 {
					connect(b, s)
					accept(b, s)
				}
				sockets = append(sockets, s)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Look(sockets); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
