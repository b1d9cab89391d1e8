package listen

// Not covered: systemd itself; a shell and exec stand in for it.

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// asFile is a descriptor of its own for a child, which os/exec does not close.
func asFile(t *testing.T, fd int) *os.File {
	t.Helper()
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(copied), "fd")
	t.Cleanup(func() { f.Close() })
	return f
}

func newSocket(t *testing.T, domain, kind int) int {
	t.Helper()
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// openAndDescribe is the role of a supervisor that is handed a socket. It makes
// it non-blocking first, as a starter may have done.
func openAndDescribe(address string) {
	a, err := Parse(address)
	if err != nil {
		fmt.Println(err)
		return
	}
	if a.Kind == FD {
		unix.SetNonblock(a.FD, true)
	}
	before, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(a.FD))
	s, err := Open(a, Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	link, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(s.FD()))
	zero, _ := os.Readlink("/proc/self/fd/0")
	fmt.Printf("above2=%t cloexec=%t blocking=%t 0=%s path=%q same=%t inode=%t\n", s.FD() > 2, closedOnExec(s.FD()),
		blocking(s.FD()), zero, s.Path(), a.Kind != FD || link == before, link == fmt.Sprintf("socket:[%d]", s.Inode()))
	queue, backlog, err := s.Queue()
	fmt.Println("queue", queue, "backlog", backlog, err)
	fmt.Println("ended", s.Unlink(), s.Close())
	again, err := Open(a, Options{})
	fmt.Println("again", err == nil && again.Inode() == s.Inode(), err)
}

func closedOnExec(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC != 0
}

func blocking(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_NONBLOCK == 0
}

func TestDescriptorZero(t *testing.T) {
	o := anyone()
	o.Backlog = 7
	path := open(t, pathAddress(t), o)
	sockets := []*Socket{path, open(t, Address{Kind: Abstract, Path: strings.TrimPrefix(path.Path(), "/tmp/")}, o)}
	for _, s := range sockets {
		connect(t, s)
		out := play(t, "open fd:0", asFile(t, s.FD()), nil)
		want := `above2=true cloexec=true blocking=true 0=/dev/null path="" same=true inode=true
queue 1 backlog 7 <nil>
ended <nil> <nil>
again true <nil>
`
		if out != want {
			t.Errorf("%s:\n%swant\n%s", s.Address(), out, want)
		}
	}
	lstat(t, path.Path()) // the child did not remove it
}

func TestDescriptorAboveTwo(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		s := openTCPSomewhere(t, host)
		connect(t, s)
		accept(t, s)
		out := play(t, "open fd:4", nil, nil, asFile(t, s.FD()), asFile(t, s.FD()))
		if !strings.Contains(out, "above2=true cloexec=true blocking=true") || !strings.Contains(out, "queue 0 backlog") {
			t.Errorf("%s: %s", host, out)
		}
	}
}

func TestDescriptorIsNoListener(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	cases := []struct {
		what  string
		stdin *os.File
	}{
		{"a pipe", reader},
		{"a regular file", file},
		{"a device", nil}, // os/exec gives /dev/null
		{"a connected socket", asFile(t, pair[0])},
		{"a datagram socket", asFile(t, newSocket(t, unix.AF_UNIX, unix.SOCK_DGRAM))},
		{"a packet or raw socket", asFile(t, newSocket(t, unix.AF_UNIX, unix.SOCK_SEQPACKET))},
		{"a socket on which nobody called listen(2)", asFile(t, newSocket(t, unix.AF_INET, unix.SOCK_STREAM))},
	}
	for _, c := range cases {
		out := play(t, "open fd:0", c.stdin, nil)
		if want := "listen on fd:0: descriptor 0 is " + c.what + ", not a listening socket: start us with spawn-fcgi -n"; !strings.HasPrefix(out, want) {
			t.Errorf("%s; want %s", out, want)
		}
	}
	if out := play(t, "open fd:77", nil, nil); !strings.Contains(out, "descriptor 77 is not open") {
		t.Error(out)
	}
}

// printInherited is the role of a supervisor that systemd starts.
func printInherited(string) {
	passed := Inherited()
	for _, name := range slices.Sorted(maps.Keys(passed)) {
		for _, fd := range passed[name] {
			fmt.Printf("%s=%d cloexec=%t\n", name, fd, closedOnExec(fd))
		}
	}
	for _, variable := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if value, ok := os.LookupEnv(variable); ok {
			fmt.Printf("%s=%s is still there\n", variable, value)
		}
	}
	if len(Inherited()) != len(passed) {
		fmt.Println("the second call differs")
	}
	for inode, fd := range Stored() {
		var stat unix.Stat_t
		err := unix.Fstat(fd, &stat)
		fmt.Printf("stored=%d cloexec=%t right=%t\n", fd, closedOnExec(fd), err == nil && stat.Ino == inode)
	}
	if len(Stored()) > 0 {
		fmt.Println("stored descriptors have two owners")
	}
}

func TestInherited(t *testing.T) {
	s := open(t, pathAddress(t), anyone())
	two := []*os.File{asFile(t, s.FD()), asFile(t, s.FD())}
	cases := []struct {
		name        string
		environment []string
		want        string
	}{
		{"named", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=blog:shop"}, "blog=3 cloexec=true\nshop=4 cloexec=true\n"},
		{"one name", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=blog:blog"}, "blog=3 cloexec=true\nblog=4 cloexec=true\n"},
		{"nameless", []string{"LISTEN_FDS=1"}, "unknown=3 cloexec=true\n"},
		{"stored", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=blog:" + StoreName(s.Inode())}, "blog=3 cloexec=true\nstored=4 cloexec=true right=true\n"},
		{"stored by others", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=fcgi-supervisor-kept.1:fcgi-supervisor-kept.socket"},
			"fcgi-supervisor-kept.1=3 cloexec=true\nfcgi-supervisor-kept.socket=4 cloexec=true\n"},
		{"for another", []string{"LISTEN_PID=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=blog:shop"}, ""},
		{"none", nil, ""},
		{"nonsense", []string{"LISTEN_FDS=x"}, ""},
	}
	for _, c := range cases {
		if out := play(t, "inherited", nil, c.environment, two...); out != c.want {
			t.Errorf("%s:\n%swant\n%s", c.name, out, c.want)
		}
	}
}

func TestOpenByName(t *testing.T) {
	o := anyone()
	o.Backlog = 9
	s := open(t, pathAddress(t), o)
	files := []*os.File{asFile(t, s.FD()), asFile(t, newSocket(t, unix.AF_UNIX, unix.SOCK_DGRAM)), asFile(t, s.FD()), asFile(t, s.FD())}
	passed := []string{"LISTEN_FDS=4", "LISTEN_FDNAMES=blog:log:twice:twice"}
	cases := []struct {
		name, want  string
		environment []string
	}{
		{"blog", "queue 0 backlog 9 <nil>\nended <nil> <nil>\nagain true <nil>\n", passed},
		{"log", "descriptor 4 is a datagram socket", passed},
		{"twice", "systemd passed 2 sockets of this name", passed},
		{"shop", "no socket of this name, only: blog, log, twice; try: FileDescriptorName=shop", passed},
		{"blog", "systemd passed no sockets; try: start us from a socket unit", nil},
	}
	for _, c := range cases {
		if out := play(t, "open systemd:"+c.name, nil, c.environment, files...); !strings.Contains(out, c.want) {
			t.Errorf("%s: %s; want %s", c.name, out, c.want)
		}
	}
	lstat(t, s.Path()) // nobody removed it
}
