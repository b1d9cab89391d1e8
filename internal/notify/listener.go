package notify

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// Listener plays the service manager for one child: where a machine has none that
// would wait until the child is ready.
type Listener struct {
	folder string
	conn   *net.UnixConn
}

// Listen opens the socket, in a folder that nobody else may enter.
func Listen() (*Listener, error) {
	folder, err := os.MkdirTemp("", "fcgi-supervisor-notify-")
	if err != nil {
		return nil, fmt.Errorf("make a folder to hear of the start: %w", err)
	}
	l := &Listener{folder: folder}
	if l.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: l.path(), Net: "unixgram"}); err != nil {
		os.RemoveAll(folder)
		return nil, fmt.Errorf("listen for the start: %w", err)
	}
	return l, nil
}

func (l *Listener) path() string { return filepath.Join(l.folder, "notify") }

// Variable is what the child must have in its environment.
func (l *Listener) Variable() string { return "NOTIFY_SOCKET=" + l.path() }

// Next waits for a message and returns its assignments. It fails after Close.
func (l *Listener) Next() (map[string]string, error) {
	text := make([]byte, 1<<16)
	n, err := l.conn.Read(text)
	if err != nil {
		return nil, err
	}
	message := map[string]string{}
	for line := range strings.SplitSeq(string(text[:n]), "\n") {
		name, value, _ := strings.Cut(line, "=")
		message[name] = value
	}
	return message, nil
}

// Close ends Next and removes the socket.
func (l *Listener) Close() {
	l.conn.Close()
	os.RemoveAll(l.folder)
}
