package executor

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// A connection rests when its worker has waited for the client long enough; not if
// there is something to be read, which the worker, that may be stopped, has not seen.
func TestWhatIsUnreadDoesNotRest(t *testing.T) {
	s := set(t, "read")
	pid := s.start(1).PID
	conn, err := net.Dial("unix", filepath.Join(s.folder, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	socket := s.e.all()["blog"].socket.Load()
	r := newRests()
	for deadline := time.Now().Add(20 * time.Second); len(r.since) == 0; {
		figures, err := socket.Figures()
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the worker is not seen reading: %v", err)
		}
		r.judge(figures, []int{pid})
	}
	figures, err := socket.Figures()
	if err != nil {
		t.Fatal(err)
	}
	longAgo := time.Now().Add(-2 * restTime)
	for inode := range figures.Accepted {
		r.since[inode] = longAgo
		if r.judge(figures, []int{pid})[inode] {
			t.Error("a connection at rest is busy")
		}
		r.since[inode], figures.Unread[inode] = longAgo, true
		if !r.judge(figures, []int{pid})[inode] {
			t.Error("a connection with something to be read is at rest")
		}
	}
	s.end(1)
	s.unbind()
}
