package control

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/listen"
)

// SocketPath is the control socket of the supervisor with that runtime folder.
func SocketPath(runtimeDir string) string { return filepath.Join(runtimeDir, "control.sock") }

// Listen opens the control socket for its owner, and for the members of group
// unless that is empty, from its first moment.
func Listen(path, group string) (*Listener, error) {
	options := listen.Options{Owner: -1, Group: -1, Mode: 0o600}
	if group != "" {
		gid, err := groupID(group)
		if err != nil {
			return nil, fmt.Errorf("open the control socket: control_group: %w", err)
		}
		options.Group, options.Mode = gid, 0o660
	}
	listener, err := ListenUnix(path, options)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	return listener, nil
}

// ListenUnix opens a socket for HTTP. One that nobody listens on is replaced;
// anything else in its place is refused. Closing the listener removes the file.
func ListenUnix(path string, options listen.Options) (*Listener, error) {
	address, err := listen.Parse("unix:" + path)
	if err != nil {
		return nil, err
	}
	socket, err := listen.Open(address, options)
	if err != nil {
		return nil, err
	}
	return listenOn(socket, path)
}

func listenOn(socket *listen.Socket, path string) (*Listener, error) {
	// FileListener works on a copy of the descriptor. That it makes the socket
	// non-blocking hurts nobody: no worker has this one.
	file := os.NewFile(uintptr(socket.FD()), path)
	defer file.Close()
	listener, err := net.FileListener(file)
	if err != nil {
		_ = socket.Unlink()
		return nil, err
	}
	return &Listener{Listener: listener, socket: socket}, nil
}

// ResumeListener takes over the control socket of the program before us in this
// process, with the clients that wait in its queue.
func ResumeListener(path string, fd int, trace listen.Trace) (*Listener, error) {
	address, err := listen.Parse("unix:" + path)
	if err != nil {
		return nil, fmt.Errorf("take over the control socket: %w", err)
	}
	socket, err := listen.Adopt(address, fd, 0, trace)
	if err != nil {
		return nil, fmt.Errorf("take over the control socket: %w", err)
	}
	return listenOn(socket, path)
}

// Listener is a Unix socket for HTTP. Its file goes with it, if it is still the same
// file.
type Listener struct {
	net.Listener
	socket *listen.Socket
	once   sync.Once // http.Server closes its listener more than once
}

// Close removes the file and ends the listening.
func (l *Listener) Close() error {
	l.once.Do(func() { _ = l.socket.Unlink() })
	return l.Listener.Close()
}

// Heirloom is what ResumeListener needs: a descriptor that a program executed in
// our place inherits, which is the caller's to close, and the trace of the socket.
func (l *Listener) Heirloom() (fd int, trace listen.Trace, err error) {
	raw, err := l.Listener.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0, trace, err
	}
	failed := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD, 3) })
	if err = cmp.Or(failed, err); err != nil {
		return 0, trace, fmt.Errorf("copy the control socket's descriptor: %w", err)
	}
	return fd, l.socket.Trace(), nil
}

func groupID(name string) (int, error) {
	id := name
	if g, err := user.LookupGroup(name); err == nil {
		id = g.Gid
	}
	gid, err := strconv.ParseUint(id, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("group %q does not exist", name)
	}
	return int(gid), nil
}
