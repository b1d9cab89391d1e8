package listen

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Not covered: that clients on TCP send again; a stop under load: e2e.

func TestHideOnTCP(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			s := openTCPSomewhere(t, host)
			served := connect(t, s)
			worker, _ := accept(t, s)
			connect(t, s) // is in the queue
			if err := unix.SetsockoptInt(s.FD(), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 10); err != nil {
				t.Fatal(err)
			}
			halfway := connect(t, s) // is in the handshake
			if hidden, err := s.Hide(); !hidden || err != nil {
				t.Fatal(hidden, err)
			}
			wants := func(queue, handshakes int) {
				t.Helper()
				n, err := s.Handshakes()
				if got := queues(t, []*Socket{s})[0]; got != queue || n != handshakes || err != nil {
					t.Errorf("%d in the queue, %d in the handshake (%v), want %d and %d", got, n, err, queue, handshakes)
				}
			}
			wants(1, 1)

			late, err := unix.Socket(s.domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { unix.Close(late) })
			name, _ := unix.Getsockname(s.FD())
			if err := unix.Connect(late, name); err != unix.EINPROGRESS {
				t.Errorf("a new client: %v", err)
			}
			for _, fd := range []int{served, halfway} { // they notice nothing
				if _, err := unix.Write(fd, []byte("x")); err != nil {
					t.Error(err)
				}
			}
			if n, err := unix.Read(worker, make([]byte, 8)); n != 1 || err != nil {
				t.Errorf("read %d bytes (%v)", n, err)
			}
			wants(2, 0)

			adopted, err := Adopt(s.Address(), orphaned(t, s), 1, Trace{})
			if err != nil {
				t.Fatal(err)
			}
			defer adopted.Close()
			if err := unix.SetsockoptInt(adopted.FD(), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 0); err != nil {
				t.Fatal(err)
			}
			connect(t, adopted) // would hang
		})
	}
}

func TestHideElsewhere(t *testing.T) {
	for name, s := range kindsOfSocket(t) {
		hidden, err := s.Hide()
		if want := s.Address().Kind == Unix || s.Address().Kind == TCP; hidden != want || err != nil {
			t.Errorf("%s: hidden %v (%v), want %v", name, hidden, err, want)
		}
	}
}
