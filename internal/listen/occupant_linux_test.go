package listen

// Not covered: a holder in another pid namespace, and one hidden by hidepid=.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStaleSocketIsReplaced(t *testing.T) {
	a := pathAddress(t)
	for _, path := range []string{a.Path, a.Path + ".1"} { // the private name of a crashed predecessor too
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
	}
	s := open(t, a, anyone())
	connect(t, s)
	if got := names(t, filepath.Dir(a.Path)); got != "x.sock" {
		t.Errorf("the folder has %s", got)
	}
}

func TestLiveSocketIsRefused(t *testing.T) {
	kinds := map[string]int{"stream": unix.SOCK_STREAM, "packet": unix.SOCK_SEQPACKET, "datagram": unix.SOCK_DGRAM}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			a := pathAddress(t)
			fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if err := unix.Bind(fd, &unix.SockaddrUnix{Name: a.Path}); err != nil {
				t.Fatal(err)
			}
			if kind != unix.SOCK_DGRAM {
				if err := unix.Listen(fd, 1); err != nil {
					t.Fatal(err)
				}
			}
			before := lstat(t, a.Path).Ino
			_, err = Open(a, anyone())
			wantError(t, err, a.String()+" is in use by pid "+strconv.Itoa(os.Getpid())+" (", filepath.Base(os.Args[0]))
			if lstat(t, a.Path).Ino != before {
				t.Error("the socket was replaced")
			}
		})
	}
}

// Without the kernel's table, the connection test finds out.
func TestConnectionTest(t *testing.T) {
	a := pathAddress(t)
	s, err := Open(a, Options{Owner: -1, Group: -1, Mode: 0o600, Backlog: 1})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, tryConnect(a), "in use by pid "+strconv.Itoa(os.Getpid()))
	connect(t, s) // the second in the queue: it is full now
	wantError(t, tryConnect(a), "in use, by a process that cannot be seen from here")
	s.Close()
	if err := tryConnect(a); err != nil {
		t.Errorf("nobody listens: %v", err)
	}
}

// Another network namespace shows no holder in its table, but the path leads to
// our socket all the same.
func TestHolderInAnotherNamespace(t *testing.T) {
	s := open(t, pathAddress(t), anyone())
	child := player(t, "open "+s.Address().String())
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		child.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	out, err := child.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		if os.Geteuid() == 0 {
			t.Fatalf("root cannot make a network namespace: %v", err)
		}
		t.Skipf("an ordinary user may not make a network namespace here: %v", err)
	}
	if want := fmt.Sprintf("%s is in use by pid %d (", s.Address(), os.Getpid()); !strings.HasPrefix(string(out), want) {
		t.Errorf("%s; want %s", out, want)
	}
	if lstat(t, s.Path()).Ino != s.bound.node {
		t.Error("the socket was replaced")
	}
}

func TestWhatIsNoSocketStays(t *testing.T) {
	cases := []struct {
		what string
		make func(path string) error
	}{
		{"a regular file", func(p string) error { return os.WriteFile(p, []byte("x"), 0o600) }},
		{"a folder", func(p string) error { return os.Mkdir(p, 0o755) }},
		{"a symbolic link", func(p string) error { return os.Symlink("/nowhere", p) }},
		{"a pipe", func(p string) error { return unix.Mkfifo(p, 0o600) }},
	}
	for _, c := range cases {
		for _, suffix := range []string{"", ".1"} {
			a := pathAddress(t)
			if err := c.make(a.Path + suffix); err != nil {
				t.Fatal(err)
			}
			before := lstat(t, a.Path+suffix)
			_, err := Open(a, anyone())
			wantError(t, err, a.Path+suffix+" is "+c.what+", not a socket: it is not removed; try: ")
			if after := lstat(t, a.Path+suffix); after.Ino != before.Ino || after.Mode != before.Mode {
				t.Errorf("%s was touched", c.what)
			}
		}
	}
}

func TestFolderInTheWay(t *testing.T) {
	folder := shortFolder(t)
	if err := os.WriteFile(folder+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ path, want string }{
		{folder + "/none/x", "the folder " + folder + "/none does not exist; try: mkdir -p " + folder + "/none"},
		{folder + "/" + strings.Repeat("d", 80) + "/x", "does not exist; try: mkdir -p"},
		{folder + "/file/x", folder + "/file is not a folder"},
		{folder + "/file/sub/x", folder + "/file is not a folder"},
	}
	for _, c := range cases {
		_, err := Open(Address{Kind: Unix, Path: c.path}, anyone())
		wantError(t, err, c.want)
	}
}

func TestAddressTaken(t *testing.T) {
	ours := fmt.Sprintf("in use by pid %d (", os.Getpid())
	abstract := Address{Kind: Abstract, Path: filepath.Base(shortFolder(t))}
	open(t, abstract, anyone())
	_, err := Open(abstract, anyone())
	wantError(t, err, abstract.String()+" is "+ours)
	for _, host := range []string{"127.0.0.1", "::1", "0.0.0.0", "::"} {
		a := openTCPSomewhere(t, host).Address()
		_, err := Open(a, anyone())
		wantError(t, err, a.String()+" is "+ours)
		if host == "::" { // it has the port of IPv4 too
			_, err := Open(Address{Kind: TCP, Host: "127.0.0.1", Port: a.Port}, anyone())
			wantError(t, err, ours)
		}
	}
}

func TestTCPInTheWay(t *testing.T) {
	for _, c := range []struct{ address, want string }{
		{"tcp:192.0.2.1:9000", "192.0.2.1 is no address of this machine"},
		{"tcp:no-such-host.invalid:9000", "find the address of no-such-host.invalid"},
		{"tcp:[::1%no-such]:9000", "interface no-such"},
	} {
		_, err := Open(parse(t, c.address), anyone())
		wantError(t, err, c.want)
	}
	_, err := Open(Address{Kind: TCP, Host: "127.0.0.1"}, anyone())
	wantError(t, err, "port 0 is out of range")
}

func TestLocalhostIsIPv4(t *testing.T) {
	if s := openTCPSomewhere(t, "localhost"); s.domain != unix.AF_INET {
		t.Errorf("family %d", s.domain)
	}
}

// An ordinary user in front of what is another user's.
func TestAsNobody(t *testing.T) {
	if os.Geteuid() != 0 {
		s := open(t, pathAddress(t), anyone())
		if seen, _ := Holders(s.Inode()); len(seen) != 1 || seen[0].PID != os.Getpid() {
			t.Errorf("our own socket is held by %v", seen)
		}
		o := anyone()
		o.Owner = 0
		_, err := Open(pathAddress(t), o)
		wantError(t, err, "owner 0", "may not; try: run as root")
		return
	}
	a := pathAddress(t)
	folder := filepath.Dir(a.Path)
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	open(t, a, Options{Owner: -1, Group: -1, Mode: 0o666})
	for _, c := range []struct{ path, want string }{
		{a.Path, "is in use, by one of"},
		{folder + "/new", "uid 65534 may not make a socket in " + folder + "; try: chown 65534 " + folder},
	} {
		if out := play(t, "nobody unix:"+c.path, nil, nil); !strings.Contains(out, c.want) {
			t.Errorf("%s: %s; want %q", c.path, out, c.want)
		}
	}
	// The chown is refused when the name is bound already.
	late := folder + "/late"
	if err := os.Mkdir(late, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(late, 0o777); err != nil {
		t.Fatal(err)
	}
	out := play(t, "nobody unix:"+late+"/x.sock", nil, nil)
	if !strings.Contains(out, "owner 0 and group 0: uid 65534 may not; try: run as root") || !strings.Contains(out, "0 leaked") {
		t.Errorf("giving it to root: %s", out)
	}
	if got := names(t, late); got != "" {
		t.Errorf("left behind: %s", got)
	}
}

// openAsNobody is the role of a user who asks for a socket that belongs to root.
func openAsNobody(address string) {
	const nobody = 65534
	err := syscall.Setgroups(nil)
	if err == nil {
		err = syscall.Setgid(nobody)
	}
	if err == nil {
		err = syscall.Setuid(nobody)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	before, _ := os.ReadDir("/proc/self/fd")
	_, err = Open(Address{Kind: Unix, Path: strings.TrimPrefix(address, "unix:")}, Options{Mode: 0o600})
	after, _ := os.ReadDir("/proc/self/fd")
	fmt.Println(err, len(after)-len(before), "leaked")
}
