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

// Others may listen on the same port of other addresses, and on all of them.
func TestAtTellsAddressesApart(t *testing.T) {
	open := func(a Address) *Socket {
		t.Helper()
		s, err := Open(a, Options{Owner: -1, Group: -1, Backlog: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	wants := func(a Address, want *Socket) {
		t.Helper()
		switch seen, err := At(a); {
		case err != nil:
			t.Errorf("%s: %v", a, err)
		case want == nil && seen != nil, want != nil && (seen == nil || seen.Inode() != want.Inode()):
			t.Errorf("%s: the wrong socket, %v, want %v", a, seen, want)
		}
	}
	port := freePort(t, "127.0.0.1")
	one, two := Address{Kind: TCP, Host: "127.0.0.1", Port: port}, Address{Kind: TCP, Host: "127.9.9.9", Port: port}
	second := open(two)
	wants(one, nil)
	wants(two, second)
	first := open(one)
	wants(one, first)
	wants(two, second)

	everywhere := Address{Kind: TCP, Host: "0.0.0.0", Port: freePort(t, "0.0.0.0")}
	all := open(everywhere)
	wants(everywhere, all)
	wants(Address{Kind: TCP, Host: "127.0.0.1", Port: everywhere.Port}, all)
	wants(Address{Kind: TCP, Host: "::1", Port: everywhere.Port}, nil)
}
