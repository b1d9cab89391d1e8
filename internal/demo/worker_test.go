package demo

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The application, with a real socket and the demo's own front. Not covered here:
// several workers at one socket (the whole run has them).

// stage is one worker, in this process, and the front.
type stage struct {
	t      *testing.T
	socket string
	url    string
	client *http.Client
	ended  chan struct{} // closed when the worker has ended, with err
	err    error
}

func play(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, socket: filepath.Join(t.TempDir(), "s"), ended: make(chan struct{})}
	fd := listenBlocking(t, s.socket)
	server := httptest.NewServer(front(s.socket))
	s.url, s.client = server.URL, server.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	go func() { // ended by a crash, or by the shutdown below
		defer close(s.ended)
		s.err = newApplication().serve(fd)
	}()
	t.Cleanup(func() {
		_ = syscall.Shutdown(fd, syscall.SHUT_RDWR) // ends an accept(2), which closing does not
		<-s.ended
		_ = syscall.Close(fd)
		server.Close()
	})
	return s
}

func listenBlocking(t *testing.T, path string) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = syscall.Listen(fd, 16)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// do sends a request and reads the answer to its end.
func (s *stage) do(method, path, form string) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatalf("%s %s: the answer is not complete: %v", method, path, err)
	}
	return answer, string(body)
}

func TestAnswers(t *testing.T) {
	t.Setenv("FCGI_SUPERVISOR_WORKER", "3")
	pid := strconv.Itoa(os.Getpid())
	s := play(t)
	for _, c := range []struct {
		method, path string
		status       int
		has, hasNot  []string
	}{
		{"GET", "/", 200, []string{"Worker 3 made this page", "process " + pid, `data-pid="` + pid + `"`, `role="status"></p>`, `action="/crash"`}, nil},
		{"GET", "/?crashed=123", 200, []string{"Process 123 has answered and crashed."}, nil},
		{"GET", "/?crashed=%3Cscript%3Ealert", 200, nil, []string{"alert", "has answered and crashed.</p>"}},
		{"GET", "/nothing", 404, nil, nil},
		{"GET", "/crash", 405, nil, nil},
	} {
		answer, body := s.do(c.method, c.path, "")
		if answer.StatusCode != c.status {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, answer.StatusCode, c.status)
		}
		for _, text := range c.has {
			if !strings.Contains(body, text) {
				t.Errorf("%s %s: %q is not in the answer:\n%s", c.method, c.path, text, body)
			}
		}
		for _, text := range c.hasNot {
			if strings.Contains(body, text) {
				t.Errorf("%s %s: %q is in the answer:\n%s", c.method, c.path, text, body)
			}
		}
	}
}

func TestPageNeedsNothingElse(t *testing.T) {
	answer, body := play(t).do("GET", "/", "")
	if n := strings.Count(body, "<strong>Worker "); n != Processes {
		t.Errorf("the page has cards for %d workers, want %d", n, Processes)
	}
	for _, text := range []string{"http:", "https:", "src=", "@import", "url("} {
		if strings.Contains(body, text) {
			t.Errorf("%q is in the page: it shall load nothing", text)
		}
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q: loading it again would not ask a worker", got)
	}
}

func TestWhoCounts(t *testing.T) {
	t.Setenv("FCGI_SUPERVISOR_WORKER", "4")
	t.Setenv("FCGI_SUPERVISOR_GENERATION", "7")
	s := play(t)
	for want := int64(1); want <= 3; want++ {
		_, body := s.do("GET", "/who", "")
		who := Who{Seconds: -1}
		if err := json.Unmarshal([]byte(body), &who); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if who.Worker != 4 || who.PID != os.Getpid() || who.Generation != "7" || who.Answered != want || who.Seconds < 0 {
			t.Errorf("answer %d: %+v", want, who)
		}
	}
}

func TestCrashAnswersFirst(t *testing.T) {
	for _, c := range []struct {
		name, form     string
		status         int
		location, body string
	}{
		{"script", "", 200, "", `"pid":` + strconv.Itoa(os.Getpid())},
		{"form", "back=1", 303, "/?crashed=" + strconv.Itoa(os.Getpid()), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := play(t)
			answer, body := s.do("POST", "/crash", c.form)
			if answer.StatusCode != c.status || answer.Header.Get("Location") != c.location || !strings.Contains(body, c.body) {
				t.Errorf("status %d, location %q, body %q", answer.StatusCode, answer.Header.Get("Location"), body)
			}
			select {
			case <-s.ended:
			case <-time.After(patience):
				t.Fatal("the worker goes on")
			}
			if !errors.Is(s.err, errCrash) {
				t.Errorf("the worker ended with %v, want %v", s.err, errCrash)
			}
		})
	}
}

// TestOneConnectionAtATime holds a kept-alive connection while another request
// waits: its answers must be numbered without a gap.
func TestOneConnectionAtATime(t *testing.T) {
	s := play(t)
	first := s.dial()
	defer first.Close()
	first.ask(t) // it is accepted now
	second := s.dial()
	defer second.Close()
	second.send(t)
	for want := int64(2); want <= 100; want++ {
		if who := first.ask(t); who.Answered != want {
			t.Fatalf("answer %d on the first connection is the worker's number %d: somebody came in between", want, who.Answered)
		}
	}
	first.Close()
	if who := second.receive(t); who.Answered != 101 {
		t.Errorf("the request that waited was answered as number %d, want 101", who.Answered)
	}
}

// keptAlive is a connection with FCGI_KEEP_CONN, which the project's client never
// asks for.
type keptAlive struct{ net.Conn }

func (s *stage) dial() keptAlive {
	s.t.Helper()
	conn, err := net.Dial("unix", s.socket)
	if err != nil {
		s.t.Fatal(err)
	}
	return keptAlive{conn}
}

func (k keptAlive) ask(t *testing.T) Who {
	t.Helper()
	k.send(t)
	return k.receive(t)
}

// Record types of the FastCGI specification, section 8.
const (
	beginRequest = 1
	endRequest   = 3
	params       = 4
	stdin        = 5
	stdout       = 6
)

func (k keptAlive) send(t *testing.T) {
	t.Helper()
	var pairs []byte
	for _, pair := range [][2]string{{"REQUEST_METHOD", "GET"}, {"SERVER_PROTOCOL", "HTTP/1.1"}, {"HTTP_HOST", "x"}, {"REQUEST_URI", "/who"}} {
		pairs = append(pairs, byte(len(pair[0])), byte(len(pair[1])))
		pairs = append(append(pairs, pair[0]...), pair[1]...)
	}
	const responder, keepConn = 1, 1
	message := record(beginRequest, []byte{0, responder, keepConn, 0, 0, 0, 0, 0})
	message = append(message, record(params, pairs)...)
	message = append(message, record(params, nil)...)
	message = append(message, record(stdin, nil)...)
	if _, err := k.Write(message); err != nil {
		t.Fatal(err)
	}
}

func record(kind byte, content []byte) []byte {
	return append([]byte{1, kind, 0, 1, 0, byte(len(content)), 0, 0}, content...)
}

func (k keptAlive) receive(t *testing.T) Who {
	t.Helper()
	var answer []byte
	for {
		header := make([]byte, 8)
		if _, err := io.ReadFull(k, header); err != nil {
			t.Fatal(err)
		}
		content := make([]byte, int(header[4])<<8+int(header[5])+int(header[6]))
		if _, err := io.ReadFull(k, content); err != nil {
			t.Fatal(err)
		}
		switch header[1] {
		case stdout:
			answer = append(answer, content[:len(content)-int(header[6])]...)
		case endRequest:
			var who Who
			_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
			if err := json.Unmarshal([]byte(body), &who); err != nil {
				t.Fatalf("answer %q: %v", answer, err)
			}
			return who
		}
	}
}
