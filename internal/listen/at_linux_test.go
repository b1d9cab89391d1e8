package listen

// Who listens at an address, seen from outside. Not covered: other network
// namespaces.

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestAt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	for _, a := range []Address{
		{Kind: Unix, Path: path},
		{Kind: Abstract, Path: fmt.Sprintf("listen-at-%d", os.Getpid())},
		{Kind: TCP, Host: "127.0.0.1", Port: freePort(t, "127.0.0.1")},
	} {
		if s, err := At(a); s != nil || err != nil {
			t.Errorf("%s, where nobody listens: %v, %v", a, s, err)
		}
		own, err := Open(a, Options{Owner: -1, Group: -1, Mode: 0o600, Backlog: 7})
		if err != nil {
			t.Fatal(err)
		}
		seen, err := At(a)
		if err != nil || seen == nil || seen.Inode() != own.Inode() {
			t.Fatalf("%s: %v, %v; want inode %d", a, seen, err, own.Inode())
		}
		if f, err := seen.Figures(); err != nil || f.Backlog != 7 || f.Queue != 0 {
			t.Errorf("%s: %+v, %v; want a backlog of 7 and an empty queue", a, f, err)
		}
		own.Close()
		if s, err := At(a); s != nil || err != nil {
			t.Errorf("%s, after its end: %v, %v", a, s, err)
		}
	}
	if err := os.WriteFile(path+".txt", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := At(Address{Kind: Unix, Path: path + ".txt"}); err == nil {
		t.Errorf("a regular file is taken for %v", s)
	}
}
