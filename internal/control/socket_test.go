package control_test

// The socket's file and what a client says that reaches nobody. Not covered:
// systemd's own RuntimeDirectory.

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/control"
)

func TestListenModes(t *testing.T) {
	for _, umask := range []int{0, 0o077} {
		for _, c := range []struct {
			group string
			mode  os.FileMode
		}{
			{"", 0o600},
			{strconv.Itoa(os.Getegid()), 0o660},
		} {
			path := filepath.Join(t.TempDir(), "control.sock")
			old := unix.Umask(umask)
			listener, err := control.Listen(path, c.group)
			unix.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeSocket|c.mode {
				t.Errorf("umask %#o, group %q: %v, %v", umask, c.group, info.Mode(), err)
			}
			listener.Close()
			if _, err := os.Lstat(path); !os.IsNotExist(err) {
				t.Errorf("the socket is still there: %v", err)
			}
		}
	}
}

func TestListenReplacesOnlyDeadSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close()
	living, err := control.Listen(path, "")
	if err != nil {
		t.Fatalf("a dead socket: %v", err)
	}
	if _, err := control.Listen(path, ""); err == nil || !strings.Contains(err.Error(), "in use by") {
		t.Errorf("a living socket: %v", err)
	}
	living.Close()
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(path, ""); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a file: %v", err)
	}
	if _, err := control.Listen(path, "no-such-group"); err == nil || !strings.Contains(err.Error(), `group "no-such-group" does not exist`) {
		t.Errorf("unknown group: %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	folder := t.TempDir()
	dead := filepath.Join(folder, "dead.sock")
	listener, err := net.Listen("unix", dead)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
	for _, path := range []string{dead, filepath.Join(folder, "none.sock"), filepath.Join(folder, "none", "none.sock")} {
		_, err := control.NewClient(path).Status(t.Context(), "")
		want := "cannot reach the supervisor at " + path + ": it is not running (try: fcgi-supervisor run --config ...)"
		if !errors.Is(err, control.ErrNotRunning) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
