package fastcgi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The client against Go's own FastCGI server, and the ways to end a request early.
// Not covered: two requests at once on a connection, which we never make.

func TestGet(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s", r.Method, r.URL.RequestURI())
	})
	response, body, err := do(t, address, get("/a%20b?x=1"))
	if err != nil {
		t.Fatal(err)
	}
	if response.Status != 418 || response.Header.Get("Content-Type") != "text/plain" || string(body) != "GET /a%20b?x=1" {
		t.Errorf("%d %v %q", response.Status, response.Header, body)
	}
	if end, ok := response.End(); !ok || end != (EndRequest{0, RequestComplete}) {
		t.Errorf("ended with %v, %v", end, ok)
	}
}

// echo sends the body back while it reads it.
func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

func TestTenMegabytesBothWays(t *testing.T) {
	big := pattern(10<<20 + 3)
	_, body, err := do(t, serve(t, echo), post(bytes.NewReader(big), int64(len(big))))
	if err != nil || !bytes.Equal(body, big) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestParamsArriveInOrder(t *testing.T) {
	want := []Param{{"B", "1"}, {"A", ""}, {"B", "2"}, {"LONG", strings.Repeat("x", 70000)}, {"", "no name"}}
	address := script(t, func(conn net.Conn) {
		if got, _ := readRequest(t, conn); !slices.Equal(got, want) {
			t.Errorf("%d parameters arrived: %.20q", len(got), got)
		}
		_, _ = conn.Write(slices.Concat(stdout(okHead), end(0, RequestComplete)))
	})
	if _, _, err := do(t, address, &Request{Params: want}); err != nil {
		t.Error(err)
	}
}

func TestStderrIsDelivered(t *testing.T) {
	address := answers(t, stderr("one "), stdout(okHead+"body"), stderr("two"), end(0, RequestComplete))
	var log bytes.Buffer
	request := get("/")
	request.Stderr = &log
	if _, body, err := do(t, address, request); err != nil || string(body) != "body" || log.String() != "one two" {
		t.Errorf("%q, %q, %v", body, log.String(), err)
	}
}

// writes records what leaves in one write each.
type writes struct {
	net.Conn
	each [][]byte
}

func (w *writes) Write(p []byte) (int, error) {
	w.each = append(w.each, slices.Clone(p))
	return w.Conn.Write(p)
}

// A connection that says nothing holds a libfcgi worker, so everything known
// leaves at once.
func TestRequestIsOneWrite(t *testing.T) {
	for _, c := range []struct {
		name    string
		request *Request
		last    recordType
		bytes   int // content of the last record of the first write
	}{
		{"no body", get("/"), typeStdin, 0},
		{"body", post(strings.NewReader("hello"), 5), typeStdin, 5},
	} {
		conn := &writes{Conn: dial(t, serve(t, echo))}
		response, err := Do(context.Background(), conn, c.request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		var last header
		var kinds []recordType
		for from := bytes.NewReader(conn.each[0]); from.Len() > 0; {
			h, _, err := readRecord(from)
			if err != nil {
				t.Fatalf("%s: the first write holds no whole records: %v", c.name, err)
			}
			last, kinds = h, append(kinds, h.kind)
		}
		if kinds[0] != typeBeginRequest || last.kind != c.last || last.content != c.bytes {
			t.Errorf("%s: the first write holds %v", c.name, kinds)
		}
	}
}

func TestKeepConn(t *testing.T) {
	conn := dial(t, serve(t, echo))
	defer conn.Close()
	for _, text := range []string{"first", "second"} {
		request := post(strings.NewReader(text), int64(len(text)))
		request.KeepConn = true
		request.IdleTimeout = time.Minute
		response, err := Do(context.Background(), conn, request)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(body) != text {
			t.Errorf("%s: %q, %v", text, body, err)
		}
	}
}

func TestKeepConnClosesAfterHalfAnAnswer(t *testing.T) {
	request := get("/")
	request.KeepConn = true
	conn := dial(t, answers(t, stdout(okHead+"abc"), end(0, RequestComplete)))
	response, err := Do(context.Background(), conn, request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close() // unread
	if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write to the connection: %v", err)
	}
}

// mute is an application that says no more than this, whatever it is sent.
func mute(t *testing.T, said ...[]byte) string {
	return script(t, func(conn net.Conn) {
		_, _ = conn.Write(bytes.Join(said, nil))
		_, _ = io.Copy(io.Discard, conn)
	})
}

func TestCancelBeforeTheHead(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	address := script(t, func(conn net.Conn) {
		readRequest(t, conn)
		cancel()
		_, _ = io.Copy(io.Discard, conn)
	})
	if _, err := Do(ctx, dial(t, address), get("/")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

func TestCancelInTheBody(t *testing.T) {
	address := mute(t, stdout(okHead+"abc"))
	ctx, cancel := context.WithCancel(context.Background())
	response, err := Do(ctx, dial(t, address), get("/"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	cancel()
	if _, err := io.ReadAll(response.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

func TestDeadline(t *testing.T) {
	address := mute(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	conn := dial(t, address)
	if _, err := Do(ctx, conn, get("/")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %v", err, context.DeadlineExceeded)
	}
}

func TestIdleTimeout(t *testing.T) {
	address := mute(t)
	request := get("/")
	request.IdleTimeout = time.Millisecond
	_, _, err := do(t, address, request)
	if _, ok := errors.AsType[*Fault](err); !ok || !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "no answer for 1ms") {
		t.Errorf("%v, want a fault that is %v", err, os.ErrDeadlineExceeded)
	}
}

// The body never comes, but the answer does: nothing may wait for the body.
func TestCloseEndsABlockedStdin(t *testing.T) {
	address := mute(t, stdout(okHead+"early"), end(0, RequestComplete))
	body, never := io.Pipe()
	_, text, err := do(t, address, post(body, 10))
	if err != nil || string(text) != "early" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := never.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the body was not closed: %v", err)
	}
}

func TestStdinThatFails(t *testing.T) {
	broken := errors.New("disk on fire")
	body := io.MultiReader(strings.NewReader("abc"), failing{broken})
	if _, _, err := do(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}), post(body, 10)); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestDialAbstractAndTCP(t *testing.T) {
	name := fmt.Sprintf("@fcgi-supervisor-test-%d", os.Getpid())
	for network, address := range map[string]string{"unix": name, "tcp": "127.0.0.1:0"} {
		listener, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := Dial(context.Background(), network, listener.Addr().String())
		if err != nil {
			t.Errorf("%s: %v", network, err)
		} else {
			conn.Close()
		}
		listener.Close()
	}
}

func TestDialExplains(t *testing.T) {
	folder := t.TempDir()
	stale := filepath.Join(folder, "stale")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	for _, c := range []struct {
		address string
		is      error
		want    string
	}{
		{filepath.Join(folder, "none"), fs.ErrNotExist, "/none: no such file or directory"},
		{stale, syscall.ECONNREFUSED, "/stale: connection refused"},
		{"/" + strings.Repeat("x", 107), nil, "has 108 bytes, but Linux allows 107"},
	} {
		_, err := Dial(context.Background(), "unix", c.address)
		if err == nil || !strings.Contains(err.Error(), c.want) || Advice(err) == "" || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%v (try: %s), want %q", err, Advice(err), c.want)
		}
	}
}

func BenchmarkSmallRequest(b *testing.B) {
	address := serve(b, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") })
	request := get("/")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := do(b, address, request); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTenMegabyteAnswer(b *testing.B) {
	big := pattern(10 << 20)
	address := serve(b, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(big) })
	b.SetBytes(int64(len(big)))
	for b.Loop() {
		response, err := Do(b.Context(), dial(b, address), get("/"))
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, response.Body); err != nil || n != int64(len(big)) {
			b.Fatal(n, err)
		}
		response.Body.Close()
	}
}
