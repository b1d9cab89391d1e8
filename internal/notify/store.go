package notify

import (
	"os"
	"syscall"
	"time"
)

// The descriptor store: what is in it stays open while this process and all its
// children are gone, and is passed to the next one with the sockets of socket units
// (FileDescriptorStoreMax= of systemd.service(5), sd_pid_notify_with_fds(3)).

// Keep puts a copy of a descriptor into the manager's store, under a name without
// colons. What is there already, whatever its name, is not put there again.
func (m *Manager) Keep(name string, fd int) {
	_ = m.sendWith([]int{fd}, "FDSTORE=1", "FDNAME="+name)
}

// Drop takes all descriptors of that name out of the store.
func (m *Manager) Drop(name string) { m.send("FDSTOREREMOVE=1", "FDNAME="+name) }

// Settle returns when the manager has done what it was told so far, or takes too
// long: until then what was dropped is open (sd_notify_barrier(3), from version 246;
// an earlier one closes what it does not know in the same order).
func (m *Manager) Settle() {
	if m == nil {
		return
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return
	}
	defer ours.Close()
	err = m.sendWith([]int{int(theirs.Fd())}, "BARRIER=1")
	theirs.Close()
	if err == nil {
		_ = ours.SetReadDeadline(time.Now().Add(patience))
		_, _ = ours.Read(make([]byte, 1)) // its end
	}
}

// control is the control message that carries descriptors; nil for none.
func control(fds []int) []byte {
	if len(fds) == 0 {
		return nil
	}
	return syscall.UnixRights(fds...)
}
