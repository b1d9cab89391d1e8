//go:build linux && (amd64 || arm64)

package worker

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Notify is a worker's own NOTIFY_SOCKET, sd_notify(3): how a worker says by
// itself that it is ready.
type Notify struct {
	// Name is the value for NOTIFY_SOCKET. The socket is abstract: a worker
	// under any user reaches it, and nothing is left behind in the file system.
	Name string
	conn *net.UnixConn
}

// NewNotify opens the socket. key must be new for every worker of this process.
func NewNotify(key uint64) (*Notify, error) {
	name := fmt.Sprintf("@fcgi-supervisor/%d/%d", os.Getpid(), key)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("open a NOTIFY_SOCKET: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) {
			// Anyone may send to an abstract socket: the kernel says who did.
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
		})
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("ask for the sender's credentials: %w", err)
	}
	return &Notify{Name: name, conn: conn}, nil
}

// Wait returns nil when a process of that user, or root, has said READY=1, and an
// error when the socket is closed. The sender's pid is not asked for: a shell
// script sends by systemd-notify(1), which is gone before we could look.
func (n *Notify) Wait(uid uint32) error {
	message, control := make([]byte, 4096), make([]byte, 128)
	for {
		size, extra, _, _, err := n.conn.ReadMsgUnix(message, control)
		if err != nil {
			return err
		}
		sender, known := senderOf(control[:extra])
		if known && (sender == uid || sender == 0) && saysReady(message[:size]) {
			return nil
		}
	}
}

// Close ends Wait.
func (n *Notify) Close() { n.conn.Close() }

func saysReady(message []byte) bool {
	for line := range bytes.SplitSeq(message, []byte("\n")) {
		if bytes.Equal(line, []byte("READY=1")) {
			return true
		}
	}
	return false
}

func senderOf(control []byte) (uid uint32, known bool) {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return 0, false
	}
	for i := range messages {
		if c, err := syscall.ParseUnixCredentials(&messages[i]); err == nil {
			return c.Uid, true
		}
	}
	return 0, false
}
