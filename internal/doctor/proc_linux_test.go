package doctor

// What /proc tells of sockets, web servers and file systems. Not covered: the kernel
// log, whose records are everybody's.

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

func TestListeningIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.sock")
	var want []string
	for _, a := range [][2]string{{"unix", path}, {"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}} {
		l, err := net.Listen(a[0], a[1])
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		want = append(want, map[string]string{"unix": "unix:", "tcp": "tcp:"}[l.Addr().Network()]+l.Addr().String())
	}
	got := listening([]int{os.Getpid()}, 0)
	for _, address := range want {
		if !slices.Contains(got, address) {
			t.Errorf("%s is not among %v", address, got)
		}
	}
	if none := listening([]int{1 << 30}, 0); len(none) != 0 {
		t.Errorf("a process that is not there listens on %v", none)
	}
}

func TestVisitorIsWhoWeAre(t *testing.T) {
	v, ok := visitorOf(os.Getpid())
	if !ok || int(v.uid) != os.Geteuid() || int(v.gid) != os.Getegid() {
		t.Errorf("%+v, %v; want uid %d and gid %d", v, ok, os.Geteuid(), os.Getegid())
	}
	if v, ok := visitorOf(1 << 30); ok {
		t.Errorf("a process that is not there is %+v", v)
	}
	if _, err := visitors("nosuchuser"); err == nil {
		t.Error("nosuchuser exists")
	}
}

// TestPrivateFolderIsSeen has a process with a file system of its own over the
// socket's folder, as PrivateTmp= makes it.
func TestPrivateFolderIsSeen(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "a.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !sees(os.Getpid(), path) {
		t.Error("we do not see our own socket")
	}
	cmd := exec.Command("sh", "-c", fmt.Sprintf("mount -t tmpfs none %s && echo mounted && exec cat", folder))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe() // cat ends with it
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		input.Close()
		_ = cmd.Wait()
	}()
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	if sees(cmd.Process.Pid, path) {
		t.Error("a process with a folder of its own is taken to see the socket")
	}
	if !sees(cmd.Process.Pid, "/etc/passwd") {
		t.Error("the same process sees /etc/passwd")
	}
}
