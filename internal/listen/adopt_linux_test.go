package listen

// Not covered: that a worker's descriptor can be taken; see package worker.

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// orphaned is a socket whose supervisor is gone: a descriptor of it is left.
func orphaned(t *testing.T, s *Socket) (fd int) {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(s.FD()), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	return fd
}

func TestAdoptFindsTheName(t *testing.T) {
	for _, written := range []bool{true, false} {
		for where, want := range map[string]func(a Address) string{
			"exposed": func(a Address) string { return a.Path },
			"private": func(a Address) string { return a.Path + ".7" },
			"removed": func(Address) string { return "" },
		} {
			a := pathAddress(t)
			s, err := Open(a, Options{Owner: -1, Group: -1, Mode: 0o600, Generation: 7, Private: true})
			if err != nil {
				t.Fatal(err)
			}
			trace := Trace{}
			if written { // before what happens next
				trace = s.Trace()
			}
			switch where {
			case "exposed":
				err = s.Expose(nil)
			case "removed":
				err = os.Remove(s.Path())
			}
			if err != nil {
				t.Fatal(err)
			}
			inode := s.Inode()
			fd := orphaned(t, s)
			shadow := Shadow(a, inode, 7, trace)
			adopted, err := Adopt(a, fd, 7, trace)
			if err != nil {
				t.Fatal(err)
			}
			if adopted.Path() != want(a) || adopted.Inode() != inode || shadow.Path() != want(a) {
				t.Errorf("%s, written down %v: found at %q and %q", where, written, adopted.Path(), shadow.Path())
			}
			if _, _, err := shadow.Queue(); err != nil {
				t.Errorf("%s: a shadow cannot be looked at: %v", where, err)
			}
			_ = adopted.Unlink()
			adopted.Close()
		}
	}
}

func TestAShadowIsReplaced(t *testing.T) {
	a := pathAddress(t)
	s, err := Open(a, Options{Owner: -1, Group: -1, Mode: 0o600, Generation: 1})
	if err != nil {
		t.Fatal(err)
	}
	shadow := Shadow(a, s.Inode(), 1, s.Trace())
	defer unix.Close(orphaned(t, s))
	next, err := Open(a, Options{Owner: -1, Group: -1, Mode: 0o600, Generation: 2, Private: true})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if err := next.Expose(nil); err == nil {
		t.Error("a socket that others listen on was replaced")
	}
	if err := next.Expose(shadow); err != nil || next.Path() != a.Path {
		t.Errorf("at %s: %v", next.Path(), err)
	}
}

func TestAdoptRefusesWhatDoesNotListen(t *testing.T) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(pathAddress(t), fd, 1, Trace{}); err == nil {
		t.Error("no error")
	}
}
