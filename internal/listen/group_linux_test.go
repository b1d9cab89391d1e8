package listen

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Two sockets at one TCP address. Not covered: handshakes that are under way in the
// moment of the change, which the kernel keeps apart; under load: e2e.

// visit has clients connect to every address by which s can be reached, and returns
// how many of them came to each of the sockets.
func visit(t *testing.T, s *Socket, sockets ...*Socket) []int {
	t.Helper()
	before := queues(t, sockets)
	for range 20 {
		connect(t, s)
	}
	if s.domain == unix.AF_INET6 && s.address.Host == "::" {
		for range 20 {
			connectTo(t, unix.AF_INET, &unix.SockaddrInet4{Port: s.port, Addr: [4]byte{127, 0, 0, 1}})
		}
	}
	after := queues(t, sockets)
	for i := range after {
		after[i] -= before[i]
	}
	return after
}

func queues(t *testing.T, sockets []*Socket) []int {
	t.Helper()
	var list []int
	for _, s := range sockets {
		n, _, err := s.Queue()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	return list
}

// all of the clients came to one socket, and none to another.
func onlyTo(t *testing.T, to, other *Socket) {
	t.Helper()
	if n := visit(t, to, to, other); n[0] < 20 || n[1] != 0 {
		t.Errorf("%d clients came to the socket that is exposed, %d to the other", n[0], n[1])
	}
}

func beside(t *testing.T, s *Socket) *Socket {
	t.Helper()
	o := anyone()
	o.Beside = s
	second, err := Open(s.Address(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	return second
}

func TestGroup(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "0.0.0.0", "::1", "::"} {
		t.Run(host, func(t *testing.T) {
			a := openTCPSomewhere(t, host)
			if _, err := Open(a.Address(), anyone()); err == nil {
				t.Fatal("the address of somebody else could be bound")
			}
			b := beside(t, a)
			onlyTo(t, a, b)
			if err := b.Expose(a); err != nil || b.Hidden() {
				t.Fatal(err)
			}
			onlyTo(t, b, a)

			o := anyone()
			o.Beside = b
			_, err := Open(b.Address(), o)
			if !errors.Is(err, ErrNotAlone) || !errors.Is(err, ErrNoRoom) {
				t.Fatalf("a third socket: %v", err)
			}
			wantError(t, err, "in use by pid")

			a.Close()
			c := beside(t, b)
			onlyTo(t, b, c)
			c.Close() // dropped
			if n := visit(t, b, b); n[0] < 20 {
				t.Errorf("%d clients came to the socket that was left", n[0])
			}
			d := beside(t, b)
			if err := d.Expose(b); err != nil {
				t.Fatal(err)
			}
			onlyTo(t, d, b)
			b.Close()
			if n := visit(t, d, d); n[0] < 20 {
				t.Errorf("%d clients came to the last socket", n[0])
			}
		})
	}
}

// One client, and no other, gets to a socket that is hidden from all.
func TestAdmit(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			a := openTCPSomewhere(t, host)
			b := beside(t, a)
			for range 5 {
				client, err := unix.Socket(a.domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { unix.Close(client) })
				from, err := BindTo(client, netip.MustParseAddr(host))
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Admit(from); err != nil {
					t.Fatal(err)
				}
				onlyTo(t, a, b)
				before := queues(t, []*Socket{b})
				name, _ := sockaddr(from.Addr(), a.port)
				if err := unix.Connect(client, name); err != nil {
					t.Fatal(err)
				}
				if after := queues(t, []*Socket{b}); after[0] != before[0]+1 {
					t.Errorf("the hidden socket has %d clients, before it had %d", after[0], before[0])
				}
			}
			if err := b.Admit(netip.AddrPort{}); err != nil {
				t.Fatal(err)
			}
			onlyTo(t, a, b)
			if err := b.Expose(a); err != nil {
				t.Fatal(err)
			}
			if err := b.Admit(netip.MustParseAddrPort("127.0.0.1:1")); err != nil { // comes too late
				t.Fatal(err)
			}
			onlyTo(t, b, a)
		})
	}
}

// Whoever had the sockets has died at any moment.
func TestRegroup(t *testing.T) {
	adopt := func(s *Socket) *Socket {
		adopted, err := Adopt(s.Address(), orphaned(t, s), 1, Trace{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { adopted.Close() })
		return adopted
	}
	for name, c := range map[string]struct {
		before      func(a, b *Socket) error
		second, old bool // the second is exposed; the first is there
	}{
		"beside":              {func(_, _ *Socket) error { return nil }, false, true},
		"while it was asked":  {func(_, b *Socket) error { return b.Admit(netip.MustParseAddrPort("127.0.0.1:1")) }, false, true},
		"while it was moved":  {func(_, b *Socket) error { return b.markExposed() }, true, true},
		"moved":               {func(a, b *Socket) error { return b.Expose(a) }, true, true},
		"moved, first closed": {func(a, b *Socket) error { return errors.Join(b.Expose(a), a.Close()) }, true, false},
		"first closed":        {func(a, _ *Socket) error { return a.Close() }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := openTCPSomewhere(t, "127.0.0.1")
			b := beside(t, a)
			if err := c.before(a, b); err != nil {
				t.Fatal(err)
			}
			sockets := []*Socket{adopt(b)}
			if c.old {
				sockets = []*Socket{adopt(a), sockets[0]}
			}
			exposed := Regroup(sockets)
			if want := sockets[len(sockets)-1]; (exposed == want) != c.second {
				t.Errorf("the second one is exposed: %v", exposed == want)
			}
			if !c.old {
				other := beside(t, exposed)
				onlyTo(t, exposed, other)
				return
			}
			other := sockets[0]
			if exposed == other {
				other = sockets[1]
			}
			onlyTo(t, exposed, other)
			if other.Hidden() == c.second {
				t.Errorf("the other one is hidden: %v", other.Hidden())
			}
		})
	}
}

// Whose a connection is the kernel does not tell where two sockets have one address.
func TestFiguresOfAGroup(t *testing.T) {
	a := openTCPSomewhere(t, "127.0.0.1")
	connect(t, a)
	_, first := accept(t, a)
	alone, err := a.Figures()
	b := beside(t, a)
	if err := errors.Join(err, b.Expose(a)); err != nil {
		t.Fatal(err)
	}
	connect(t, b)
	_, second := accept(t, b)
	connect(t, b)
	for s, queue := range map[*Socket]int{a: 0, b: 1} {
		f, err := s.Figures()
		if err != nil || !f.Shared || !f.Accepted[first] || !f.Accepted[second] || f.Queue != queue {
			t.Errorf("%+v (%v), want a queue of %d, and shared", f, err, queue)
		}
		if n, err := s.Waiting(); n != queue || err != nil {
			t.Errorf("%d clients wait (%v), want %d", n, err, queue)
		}
	}
	if alone.Shared || !alone.Accepted[first] {
		t.Errorf("before: %+v", alone)
	}
}

func TestHandshakes(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::"} {
		s := openTCPSomewhere(t, host)
		// The kernel leaves a connection in this state until the first byte comes.
		if err := unix.SetsockoptInt(s.FD(), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 10); err != nil {
			t.Fatal(err)
		}
		wants := func(handshakes, queue int) {
			t.Helper()
			n, err := s.Handshakes()
			if got := queues(t, []*Socket{s})[0]; n != handshakes || got != queue || err != nil {
				t.Errorf("%s: %d in the handshake, %d in the queue (%v), want %d and %d", host, n, got, err, handshakes, queue)
			}
		}
		wants(0, 0)
		client := connect(t, s)
		wants(1, 0)
		if _, err := unix.Write(client, []byte{1}); err != nil {
			t.Fatal(err)
		}
		wants(0, 1)
	}
}

// A socket beside which there can be no other: whoever opened it knew no groups, or we
// have no descriptor of it.
func TestNoRoom(t *testing.T) {
	plain, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := openTCPSomewhere(t, "127.0.0.1").Address()
	a.Port = freePort(t, a.Host)
	name := &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(unix.Bind(plain, name), unix.Listen(plain, 1)); err != nil {
		t.Fatal(err)
	}
	old, err := Adopt(a, plain, 1, Trace{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Close() })
	for name, s := range map[string]*Socket{"no group": old, "no descriptor": Shadow(a, old.Inode(), 1, Trace{})} {
		o := anyone()
		o.Beside = s
		if _, err := Open(a, o); !errors.Is(err, ErrNoRoom) || errors.Is(err, ErrNotAlone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
