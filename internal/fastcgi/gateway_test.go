package fastcgi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// The gateway between a real HTTP client and real or scripted applications.
// Not covered: HTTP/2 and TLS in front, request bodies that fill the disk.

// front serves a gateway and returns its URL and a client without keep-alive,
// so that no idle connection outlives the test.
func front(t *testing.T, g *Gateway) (string, *http.Client) {
	g.Network = "unix"
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server.URL, &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func fetch(t *testing.T, client *http.Client, r *http.Request) (*http.Response, string, error) {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGatewayPassesTheRequestOn(t *testing.T) {
	url, client := front(t, &Gateway{Prefix: "/app", Address: serve(t, func(w http.ResponseWriter, r *http.Request) {
		env := fcgi.ProcessEnv(r)
		w.Header().Set("X-App", "yes")
		w.Header().Set("Keep-Alive", "5")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, "%s %s %s|%s|%s", r.Method, r.URL.RequestURI(), r.Header.Get("X-Ask"), env["SERVER_SOFTWARE"], r.RemoteAddr)
	})})
	r := request(t, "GET", url+"/app/a%20b?x=1", nil)
	r.Header.Set("X-Ask", "hello")
	response, body, err := fetch(t, client, r)
	if err != nil || response.StatusCode != 202 || response.Header.Get("X-App") != "yes" || response.Header.Get("Keep-Alive") != "" {
		t.Errorf("%v, %d, %v", err, response.StatusCode, response.Header)
	}
	if want := "GET /app/a%20b?x=1 hello|fcgi-supervisor|127.0.0.1:"; !strings.HasPrefix(body, want) {
		t.Errorf("%q, want %q", body, want)
	}
}

// Sized and chunked bodies below and above what is kept in memory.
func TestGatewayBodies(t *testing.T) {
	url, client := front(t, &Gateway{Address: serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		echo(w, r)
	})})
	for _, size := range []int{0, 1, stdinChunk, spoolMemory, spoolMemory + 1, 10 << 20} {
		for _, chunked := range []bool{false, true} {
			want := pattern(size)
			var body io.Reader = bytes.NewReader(want)
			if chunked {
				body = struct{ io.Reader }{body}
			}
			response, got, err := fetch(t, client, request(t, "POST", url, body))
			if err != nil || got != string(want) || response.Header.Get("X-Length") != fmt.Sprint(size) {
				t.Errorf("%d bytes, chunked %v: %v, %d bytes, CONTENT_LENGTH %s",
					size, chunked, err, len(got), response.Header.Get("X-Length"))
			}
		}
	}
}

// Each side waits for the other's last word before it says the next.
func TestGatewayStreamsBothWays(t *testing.T) {
	url, client := front(t, &Gateway{Address: serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		word := make([]byte, 4)
		for {
			if _, err := io.ReadFull(r.Body, word); err != nil {
				return
			}
			_, _ = w.Write(bytes.ToUpper(word))
			w.(http.Flusher).Flush()
		}
	})})
	body, writer := io.Pipe()
	r := request(t, "POST", url, body)
	r.ContentLength = 12
	go func() { _, _ = io.WriteString(writer, "ping") }()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer := make([]byte, 4)
	for range 2 {
		if _, err := io.ReadFull(response.Body, answer); err != nil || string(answer) != "PING" {
			t.Fatalf("%q, %v", answer, err)
		}
		if _, err := io.WriteString(writer, "ping"); err != nil {
			t.Fatal(err)
		}
	}
	writer.Close()
	if rest, err := io.ReadAll(response.Body); err != nil || string(rest) != "PING" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestGatewayHead(t *testing.T) {
	url, client := front(t, &Gateway{Address: answers(t, stdout("Content-Length: 5\n\nhello"), end(0, RequestComplete))})
	response, body, err := fetch(t, client, request(t, "HEAD", url, nil))
	if err != nil || body != "" || response.ContentLength != 5 {
		t.Errorf("%v, %q, %d", err, body, response.ContentLength)
	}
}

func TestGatewayPassesHeadersAsTheyAre(t *testing.T) {
	url, client := front(t, &Gateway{Address: answers(t,
		stdout("Location: /there\nSet-Cookie: a\nSet-Cookie: b\nConnection: X-Hop\nX-Hop: 1\n\n<html>"), end(0, RequestComplete))})
	response, body, err := fetch(t, client, request(t, "GET", url, nil))
	_, typed := response.Header["Content-Type"]
	if err != nil || response.StatusCode != 302 || body != "<html>" || typed ||
		response.Header.Get("Location") != "/there" || response.Header.Get("X-Hop") != "" ||
		!slices.Equal(response.Header["Set-Cookie"], []string{"a", "b"}) {
		t.Errorf("%v, %d, %q, %v", err, response.StatusCode, body, response.Header)
	}
}

func TestGatewayErrorPages(t *testing.T) {
	crash := [][]byte{stderr("Traceback <b>\nline 2"), end(1, RequestComplete)}
	for _, c := range []struct {
		name, path, accept string
		address            string
		timeout            time.Duration
		status             int
		want               []string
	}{
		{"plain", "/", "*/*", answers(t, crash...), 0, 502, []string{
			"502 Bad Gateway: the application ended the request before sending headers (END_REQUEST: app status 1; 20 bytes on stderr)\n",
			"\ntry: see its stderr", "\napplication: Traceback <b>\napplication: line 2\n"}},
		{"HTML", "/", "text/html,*/*", answers(t, crash...), 0, 502, []string{
			"<title>502 Bad Gateway</title>", "before sending headers", "Traceback &lt;b&gt;\nline 2"}},
		{"no socket", "/", "*/*", "/nonexistent/socket", 0, 502, []string{"connect to unix:/nonexistent/socket", "try: there is no such socket"}},
		{"silence", "/", "*/*", mute(t), time.Millisecond, 504, []string{"504 Gateway Timeout: no answer for 1ms"}},
		{"another path", "/elsewhere", "*/*", "/nonexistent/socket", 0, 404, []string{"/elsewhere is not under /app"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Gateway{Address: c.address, Timeout: c.timeout}
			if c.status == 404 {
				g.Prefix = "/app"
			}
			url, client := front(t, g)
			r := request(t, "GET", url+c.path, nil)
			r.Header.Set("Accept", c.accept)
			response, body, _ := fetch(t, client, r)
			if response.StatusCode != c.status {
				t.Errorf("status %d, want %d", response.StatusCode, c.status)
			}
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("%q\nis not in\n%s", want, body)
				}
			}
		})
	}
}

func TestGatewayTellsItsOwner(t *testing.T) {
	var lines []string
	var seen *GatewayError
	url, client := front(t, &Gateway{
		Address: answers(t, stderr("one\ntwo"), end(1, RequestComplete)),
		Stderr:  func(line []byte) { lines = append(lines, string(line)) },
		Error: func(w http.ResponseWriter, _ *http.Request, err error) {
			seen, _ = errors.AsType[*GatewayError](err)
			w.WriteHeader(http.StatusTeapot)
		},
	})
	response, _, _ := fetch(t, client, request(t, "GET", url, nil))
	want := []string{"one", "two"}
	if response.StatusCode != 418 || seen == nil || seen.Status != 502 || !slices.Equal(seen.Stderr, want) || !slices.Equal(lines, want) {
		t.Errorf("%d, %+v, %q", response.StatusCode, seen, lines)
	}
}

// After the head there is no way to say what is wrong but to cut.
func TestGatewayCutsABrokenAnswer(t *testing.T) {
	for _, head := range []string{okHead, "Content-Length: 100\n\n"} {
		told := make(chan error, 1)
		url, client := front(t, &Gateway{
			Address: answers(t, stdout(head+"half")),
			Cut:     func(_ *http.Request, err error) { told <- err },
		})
		_, body, err := fetch(t, client, request(t, "GET", url, nil))
		if err == nil || body != "half" {
			t.Errorf("%q, %v: the answer looks whole", body, err)
		}
		if err := <-told; !errors.Is(err, faultClosed) {
			t.Errorf("told %v, want %v", err, faultClosed)
		}
	}
}

// The client goes away: the application's connection is closed, so that it can notice.
func TestGatewayClientGoesAway(t *testing.T) {
	asked, gone := make(chan struct{}), make(chan struct{})
	url, client := front(t, &Gateway{Address: script(t, func(conn net.Conn) {
		readRequest(t, conn)
		close(asked)
		_, _ = io.Copy(io.Discard, conn)
		close(gone)
	})})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if response, err := client.Do(request(t, "GET", url, nil).WithContext(ctx)); err == nil {
		response.Body.Close()
		t.Error("there was an answer")
	}
	<-gone
}

// The application answers at once; the client would never finish its upload.
func TestGatewayAnswersDuringAnUpload(t *testing.T) {
	url, _ := front(t, &Gateway{Address: mute(t, stdout(okHead+"enough"), end(0, RequestComplete))})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "enough" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestGatewayBadChunks(t *testing.T) {
	url, _ := front(t, &Gateway{Address: "/nonexistent/socket"})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", response.StatusCode)
	}
}
