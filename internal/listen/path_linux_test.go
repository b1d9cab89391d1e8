package listen

// Not covered: file systems without RENAME_NOREPLACE (NFS), read-only ones, and
// an attacker who moves files in the socket's folder while it is made.

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// shortFolder is a temporary folder whose name leaves room in sun_path.
func shortFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("/tmp", "l")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

func pathAddress(t testing.TB) Address {
	return Address{Kind: Unix, Path: filepath.Join(shortFolder(t), "x.sock")}
}

// ownership asks for another owner and group where that is allowed, which only
// root is.
func ownership(mode os.FileMode) (o Options, uid, gid uint32) {
	o = Options{Owner: os.Geteuid(), Group: os.Getegid(), Mode: mode, Generation: 1}
	if os.Geteuid() == 0 {
		o.Owner, o.Group = 12345, 23456
	}
	return o, uint32(o.Owner), uint32(o.Group)
}

func lstat(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil {
		t.Fatalf("lstat %s: %v", path, err)
	}
	return stat
}

func names(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return strings.Join(found, " ")
}

func TestModeAndOwner(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		for _, mode := range []os.FileMode{0o660, 0o600, 0o666} {
			a := pathAddress(t)
			o, uid, gid := ownership(mode)
			old := unix.Umask(umask)
			s, err := Open(a, o)
			unix.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			stat := lstat(t, a.Path)
			if want := unix.S_IFSOCK | uint32(mode); stat.Mode != want || stat.Uid != uid || stat.Gid != gid {
				t.Errorf("umask %#o: mode %#o owner %d:%d, want %#o %d:%d", umask, stat.Mode, stat.Uid, stat.Gid, want, uid, gid)
			}
		}
	}
}

// A node is closed to everybody between bind and the end of furnish.
func TestBornClosed(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	a := pathAddress(t)
	s, err := create(a, unix.AF_UNIX)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.bindPath(a.Path); err != nil {
		t.Fatal(err)
	}
	if stat := lstat(t, a.Path); stat.Mode != unix.S_IFSOCK {
		t.Errorf("mode %#o at bind, want %#o", stat.Mode, unix.S_IFSOCK)
	}
}

// Somebody who watches the public name never sees it other than finished.
func TestRightAtFirstSight(t *testing.T) {
	a := pathAddress(t)
	o, uid, gid := ownership(0o640)
	var seen, stop atomic.Int64
	wrong := make(chan string, 1)
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		for stop.Load() == 0 {
			var stat unix.Stat_t
			if unix.Lstat(a.Path, &stat) != nil {
				runtime.Gosched()
				continue
			}
			seen.Add(1)
			if stat.Mode != unix.S_IFSOCK|0o640 || stat.Uid != uid || stat.Gid != gid {
				select {
				case wrong <- fmt.Sprintf("mode %#o owner %d:%d", stat.Mode, stat.Uid, stat.Gid):
				default:
				}
			}
		}
	}()
	for range 200 {
		s, err := Open(a, o)
		if err != nil {
			t.Error(err)
			break
		}
		for before := seen.Load(); seen.Load() == before; {
			runtime.Gosched()
		}
		if err := s.Unlink(); err != nil {
			t.Error(err)
		}
		s.Close()
	}
	stop.Store(1)
	<-done
	select {
	case how := <-wrong:
		t.Errorf("the name was seen with %s", how)
	default:
	}
}

func TestExpose(t *testing.T) {
	a := pathAddress(t)
	folder := filepath.Dir(a.Path)
	first := open(t, a, anyone())
	o := anyone()
	o.Generation, o.Private = 2, true
	second := open(t, a, o)
	if got := names(t, folder); got != "x.sock x.sock.2" {
		t.Errorf("before: %s", got)
	}
	if second.Path() != a.Path+".2" {
		t.Errorf("private path %s", second.Path())
	}
	connect(t, second)
	wantError(t, second.Expose(nil), "in use by pid")
	if err := second.Expose(first); err != nil {
		t.Fatal(err)
	}
	if got := names(t, folder); got != "x.sock" || second.Path() != a.Path {
		t.Errorf("after: %s, path %s", got, second.Path())
	}
	connect(t, second)
	queue1, _, err1 := first.Queue()
	queue2, _, err2 := second.Queue()
	if queue1 != 0 || queue2 != 2 || err1 != nil || err2 != nil {
		t.Errorf("queues %d (%v) and %d (%v), want 0 and 2", queue1, err1, queue2, err2)
	}
	if err := first.Unlink(); err != nil {
		t.Error(err)
	}
	if got := names(t, folder); got != "x.sock" {
		t.Errorf("the old generation's Unlink left %q", got)
	}
}

func TestUnlinkOnlyOurs(t *testing.T) {
	a := pathAddress(t)
	s := open(t, a, anyone())
	if err := os.Remove(a.Path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.Path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Unlink(); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(a.Path); string(got) != "mine" {
		t.Errorf("the file of somebody else: %q, %v", got, err)
	}
}

// Names that only fit with the help of their folder's descriptor, and one that
// would not fit even then.
func TestLongestPath(t *testing.T) {
	folder := shortFolder(t)
	deep := filepath.Join(folder, strings.Repeat("d", maxPath-len(folder)-len("/d/x.sock")+1))
	if err := os.Mkdir(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{deep + "/x.sock", folder + "/" + strings.Repeat("n", maxPath-len(folder)-1)} {
		if len(path) != maxPath {
			t.Fatalf("the test's own path is %d bytes long", len(path))
		}
		o := anyone()
		o.Generation = 123456
		a := parse(t, "unix:"+path)
		s := open(t, a, o)
		connect(t, s)
		if stat := lstat(t, path); stat.Mode != unix.S_IFSOCK|0o660 {
			t.Errorf("mode %#o", stat.Mode)
		}
		if got := names(t, filepath.Dir(path)); strings.Contains(got, ".123456") {
			t.Errorf("left behind: %s", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		again := open(t, a, o) // over the stale one
		connect(t, again)
		if again.Inode() == s.Inode() {
			t.Error("the same socket")
		}
	}
	if _, err := Parse("unix:" + deep + "/xy.sock"); err == nil {
		t.Error("108 bytes were taken")
	}
}

func TestPrivateNamesDiffer(t *testing.T) {
	long := strings.Repeat("n", 100)
	if a, b := privatePath("/r/"+long+"a", 1), privatePath("/r/"+long+"b", 1); a == b {
		t.Errorf("two pools share %s", a)
	}
}

// A refusal after the name is bound is TestAsNobody's.
func TestNothingLeaks(t *testing.T) {
	folder := shortFolder(t)
	busy := open(t, Address{Kind: Unix, Path: folder + "/busy"}, anyone())
	tcp := openTCPSomewhere(t, "127.0.0.1")
	refused := []Address{
		busy.Address(), tcp.Address(),
		{Kind: Unix, Path: folder + "/none/x"},
		{Kind: TCP, Host: "192.0.2.1", Port: 9},
		{Kind: FD, FD: 99999},
		{Kind: Systemd, Name: "none"},
		{Kind: "nonsense"},
	}
	before := descriptors(t)
	for _, a := range refused {
		if _, err := Open(a, anyone()); err == nil {
			t.Errorf("%s was opened", a)
		}
	}
	if s, err := Open(Address{Kind: Unix, Path: folder + "/fine"}, anyone()); err != nil {
		t.Error(err)
	} else {
		connect(t, s)
		if _, err := Look([]*Socket{s, tcp}); err != nil {
			t.Error(err)
		}
		if err := s.Unlink(); err != nil {
			t.Error(err)
		}
		s.Close()
	}
	if after := descriptors(t) - 1; after != before { // one: connect's
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	if got := names(t, folder); got != "busy" {
		t.Errorf("left behind: %s", got)
	}
}
