package listen

// Clients in a queue, those that are there and those that have gone. Not covered:
// queues that are full.

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWaiting(t *testing.T) {
	for name, s := range kindsOfSocket(t) {
		t.Run(name, func(t *testing.T) {
			wants := func(queue, clients int) {
				t.Helper()
				lookFor(t, []*Socket{s}, s, queue)
				n, err := s.Waiting()
				for range 10000 { // the end of a client on TCP takes a moment to arrive
					if n == clients || err != nil {
						break
					}
					runtime.Gosched()
					n, err = s.Waiting()
				}
				if n != clients || err != nil {
					t.Errorf("%d clients (%v), want %d of a queue of %d", n, err, clients, queue)
				}
			}
			wants(0, 0)
			connect(t, s)
			gone := connect(t, s)
			wants(2, 2)
			// The number goes to another file, for the cleanup to close.
			if err := unix.Dup3(s.FD(), gone, unix.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			wants(2, 1)
			accept(t, s)
			wants(1, 0)
		})
	}
}
