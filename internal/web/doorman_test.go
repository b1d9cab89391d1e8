package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Clients that hold connections, send slowly, or send too much. Not covered: TLS
// handshakes that are never finished, which count as any other silent connection.

func (s *site) mustDial() net.Conn {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// answersNow asks on a new connection, as a scrape would.
func (s *site) answersNow() {
	s.t.Helper()
	c := s.mustDial()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != 200 {
		s.t.Fatalf("not answered: %v", err)
	}
	answer.Body.Close()
}

// TestTenThousandIdleConnections: they push out each other, and nobody else.
func TestTenThousandIdleConnections(t *testing.T) {
	s := serve(t, "blog")
	before := heap()
	var last net.Conn
	for n := range 10000 {
		last = s.mustDial()
		if n%2 == 1 { // slow ones among them
			_, _ = io.WriteString(last, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		}
		if n%1000 == 999 {
			s.answersNow()
		}
	}
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
	if open := descriptorsOf(t); open > 10000+maxConnections+200 { // ours of both ends
		t.Errorf("%d descriptors are open", open)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func descriptorsOf(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestWhoIsServedStays: a full house of those who watch lets no one else in, and
// puts none of them out.
func TestWhoIsServedStays(t *testing.T) {
	gate := make(chan struct{})
	d := newDoorman(3, 10)
	server := &http.Server{Handler: d.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			http.NewResponseController(w).Flush()
			<-gate
		}
		_, _ = io.WriteString(w, "done")
	}))}
	d.watch(server)
	listener, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	defer func() { server.Close(); serving.Wait() }()
	ask := func(path string) (net.Conn, *bufio.Reader) {
		c, err := net.Dial("unix", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		return c, bufio.NewReader(c)
	}
	var waiting []*bufio.Reader
	for range 3 {
		c, r := ask("/wait")
		defer c.Close()
		if _, err := r.Peek(1); err != nil { // its head: the handler runs
			t.Fatal(err)
		}
		waiting = append(waiting, r)
	}
	c, r := ask("/")
	defer c.Close()
	if _, err := http.ReadResponse(r, nil); err == nil {
		t.Error("the fourth was let in, though three are being served")
	}
	close(gate)
	for _, r := range waiting {
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "done" {
			t.Errorf("one that was being served got %q (%v)", text, err)
		}
	}
}

func TestTooManyRequestsAtOnce(t *testing.T) {
	gate, inside := make(chan struct{}), make(chan struct{})
	h := newDoorman(10, 1).guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { inside <- struct{}{}; <-gate }))
	s := serve(t)
	var first sync.WaitGroup
	first.Go(func() { h.ServeHTTP(newRecorder(), newRequest("/")) })
	<-inside
	second := newRecorder()
	h.ServeHTTP(second, newRequest("/"))
	if second.Code != 503 || second.Header().Get("Retry-After") == "" {
		t.Errorf("status %d", second.Code)
	}
	close(gate)
	first.Wait()
	s.answersNow()
}

func TestHugeHeaderIsRefused(t *testing.T) {
	s := serve(t)
	c := s.mustDial()
	_ = c.SetDeadline(time.Now().Add(patience))
	go func() { // ends when the server closes
		_, _ = io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Huge: ")
		for {
			if _, err := io.WriteString(c, strings.Repeat("a", 4096)); err != nil {
				return
			}
		}
	}()
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%+v %v", answer, err)
	}
	c.Close()
	s.answersNow()
}
