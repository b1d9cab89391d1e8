package listen

// What the other test files share. The test binary also plays the process that
// is handed a socket (roles): a child is told its role by the environment.

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const roleVariable = "LISTEN_TEST_ROLE"

// roles print what they see; the parent compares.
var roles = map[string]func(argument string){
	"open":      openAndDescribe,
	"inherited": printInherited,
	"nobody":    openAsNobody,
}

func TestMain(m *testing.M) {
	if role, argument, _ := strings.Cut(os.Getenv(roleVariable), " "); role != "" {
		os.Unsetenv(roleVariable)
		roles[role](argument)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// play runs a role with files as descriptors 3 and up and returns its output.
func play(t *testing.T, role string, stdin *os.File, environment []string, files ...*os.File) string {
	t.Helper()
	child := player(t, role)
	child.Env = append(child.Env, environment...)
	child.Stdin = stdin
	child.ExtraFiles = files
	return output(t, child)
}

// player is this program in a role. The shell sets LISTEN_PID as systemd does:
// between fork and exec.
func player(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("/bin/sh", "-c", `test -n "$LISTEN_PID" || export LISTEN_PID=$$; exec "$0"`, program)
	// The race detector makes every program sleep a second before it exits.
	child.Env = append(os.Environ(), roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
	return child
}

func output(t *testing.T, child *exec.Cmd) string {
	t.Helper()
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", child.Args, err, out)
	}
	return string(out)
}

// anyone are options that every user may ask for.
func anyone() Options { return Options{Owner: -1, Group: -1, Mode: 0o660, Generation: 1} }

// open opens an address for the time of the test.
func open(t testing.TB, a Address, o Options) *Socket {
	t.Helper()
	s, err := Open(a, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Unlink(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// openTCPSomewhere opens a free port. Another process may take it between the
// search and the bind, hence the attempts.
func openTCPSomewhere(t testing.TB, host string) *Socket {
	t.Helper()
	var err error
	for range 20 {
		var s *Socket
		if s, err = Open(Address{Kind: TCP, Host: host, Port: freePort(t, host)}, anyone()); err == nil {
			t.Cleanup(func() { s.Close() })
			return s
		}
	}
	t.Fatal(err)
	return nil
}

func freePort(t testing.TB, host string) int {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// connect is a client of s, closed with the test.
func connect(t testing.TB, s *Socket) int {
	t.Helper()
	name, err := unix.Getsockname(s.FD())
	if err != nil {
		t.Fatal(err)
	}
	switch n := name.(type) {
	case *unix.SockaddrUnix:
		if s.Path() != "" {
			name = &unix.SockaddrUnix{Name: s.Path()}
		}
	case *unix.SockaddrInet6:
		if n.Addr == [16]byte{} {
			n.Addr[15] = 1
		}
	}
	return connectTo(t, s.domain, name)
}

func connectTo(t testing.TB, domain int, name unix.Sockaddr) int {
	t.Helper()
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Connect(fd, name); err != nil {
		t.Fatal(err)
	}
	return fd
}

// accept takes one connection and returns its descriptor and inode.
func accept(t testing.TB, s *Socket) (fd int, inode uint64) {
	t.Helper()
	fd, _, err := unix.Accept4(s.FD(), unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	link, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(link, "socket:[%d]", &inode); err != nil {
		t.Fatal(err)
	}
	return fd, inode
}

func descriptors(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want it to say %q", err, part)
		}
	}
}
