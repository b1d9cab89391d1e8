package control

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"

	"fcgi-supervisor/internal/listen"
)

// SocketPath is the control socket of the supervisor with that runtime folder.
func SocketPath(runtimeDir string) string { return filepath.Join(runtimeDir, "control.sock") }

// Listen opens the control socket for its owner, and for the members of group
// unless that is empty, from its first moment. A socket that nobody listens on is
// replaced; anything else in its place is refused. Closing the listener removes
// the file.
func Listen(path, group string) (net.Listener, error) {
	options := listen.Options{Owner: -1, Group: -1, Mode: 0o600}
	if group != "" {
		gid, err := groupID(group)
		if err != nil {
			return nil, fmt.Errorf("open the control socket: control_group: %w", err)
		}
		options.Group, options.Mode = gid, 0o660
	}
	address, err := listen.Parse("unix:" + path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	socket, err := listen.Open(address, options)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	// FileListener works on a copy of the descriptor. That it makes the socket
	// non-blocking hurts nobody: no worker has this one.
	file := os.NewFile(uintptr(socket.FD()), path)
	defer file.Close()
	listener, err := net.FileListener(file)
	if err != nil {
		_ = socket.Unlink()
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	return &ownSocket{Listener: listener, socket: socket}, nil
}

// ownSocket is a listener whose file goes with it, if it is still the same file.
type ownSocket struct {
	net.Listener
	socket *listen.Socket
	once   sync.Once // http.Server closes its listener more than once
}

func (o *ownSocket) Close() error {
	o.once.Do(func() { _ = o.socket.Unlink() })
	return o.Listener.Close()
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
