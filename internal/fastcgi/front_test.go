package fastcgi

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The HTTP port. Not covered here: who else uses these ports on this machine,
// which the tests leave alone.

func TestFreePortIsFound(t *testing.T) {
	seen := map[int]bool{}
	for range 3 {
		listener, err := ListenHTTP("")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		at := listener.Addr().(*net.TCPAddr)
		if !at.IP.IsLoopback() || at.Port < firstPort || at.Port >= firstPort+100 || seen[at.Port] {
			t.Errorf("the page is at %v, want another port from 127.0.0.1:%d", at, firstPort)
		}
		seen[at.Port] = true
	}
}

func TestNoFreePort(t *testing.T) {
	for port := firstPort; port < firstPort+100; port++ {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue // somebody else keeps it taken
		}
		defer listener.Close()
	}
	listener, err := ListenHTTP("")
	if err == nil {
		listener.Close()
		t.Fatal("a port was found where all are taken")
	}
	for _, text := range []string{"127.0.0.1:8000 to 8099", "try: --http "} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %q", text, err)
		}
	}
}

func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	listener, err := ListenHTTP(taken.Addr().String())
	if err == nil {
		listener.Close()
		t.Fatal("a taken port was opened")
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v is no %v", err, syscall.EADDRINUSE)
	}
	for _, text := range []string{"open the HTTP port", taken.Addr().String(), "try: "} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %q", text, err)
		}
	}
}
