package demo

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// errCrash is what the application dies of; its text is its last words.
var errCrash = errors.New("cannot go on: somebody pressed the crash button")

// Worker is the FastCGI application: it serves the socket on descriptor 0, one
// connection at a time as most FastCGI programs do, until it is killed or has been
// asked to crash.
func Worker() error { return newApplication().serve(0) }

// application is one worker. Its fields are atomic because a client that goes
// away gives the turn to the next one while its own request is still being
// answered.
type application struct {
	started  time.Time
	turn     chan struct{} // holds one while a connection is being served
	answered atomic.Int64
	crashing atomic.Bool
}

func newApplication() *application {
	return &application{started: time.Now(), turn: make(chan struct{}, 1)}
}

// serve returns errCrash once that was asked for and answered.
func (a *application) serve(socket int) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.page)
	mux.HandleFunc("GET /who", a.who)
	mux.HandleFunc("POST /crash", a.crash)
	return fcgi.Serve(oneAtATime{socket, a}, mux)
}

// Who is what a worker says of itself.
type Who struct {
	Worker     int    `json:"worker"`
	PID        int    `json:"pid"`
	Generation string `json:"generation"`
	Answered   int64  `json:"answered"`
	Seconds    int    `json:"seconds"`
}

func (a *application) self() Who {
	slot, _ := strconv.Atoi(os.Getenv("FCGI_SUPERVISOR_WORKER"))
	return Who{Worker: slot, PID: os.Getpid(), Generation: os.Getenv("FCGI_SUPERVISOR_GENERATION"),
		Answered: a.answered.Add(1), Seconds: int(time.Since(a.started).Seconds())}
}

func (a *application) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	crashed, _ := strconv.Atoi(r.FormValue("crashed"))
	_ = page.Execute(w, struct {
		Who
		Slots   []int
		Crashed int
	}{a.self(), make([]int, Processes), crashed})
}

func (a *application) who(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(a.self())
}

// crash answers; the connection that comes next is the one that is not accepted.
func (a *application) crash(w http.ResponseWriter, r *http.Request) {
	a.crashing.Store(true)
	if r.FormValue("back") != "" { // the button without JavaScript
		http.Redirect(w, r, "/?crashed="+strconv.Itoa(os.Getpid()), http.StatusSeeOther)
		return
	}
	a.who(w, r)
}

// oneAtATime accepts a connection when the last one has been closed.
type oneAtATime struct {
	socket int // blocking
	app    *application
}

// Accept waits in accept(2) itself, as C programs do: the kernel then hands a
// connection to the worker that has waited longest. Package net would make the
// socket non-blocking, for all workers, and wake all of them.
func (l oneAtATime) Accept() (net.Conn, error) {
	l.app.turn <- struct{}{}
	if l.app.crashing.Load() {
		return nil, errCrash
	}
	fd, _, err := syscall.Accept(l.socket)
	for err == syscall.EINTR || err == syscall.ECONNABORTED {
		fd, _, err = syscall.Accept(l.socket)
	}
	if err != nil {
		return nil, fmt.Errorf("accept a connection on descriptor %d (this command is started by the demo): %w", l.socket, err)
	}
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close() // FileConn has a copy
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("take the connection: %w", err)
	}
	return &turn{Conn: conn, app: l.app}, nil
}

// Close and Addr make it a net.Listener, as fcgi.Serve wants one.
func (l oneAtATime) Close() error { return syscall.Close(l.socket) }

func (l oneAtATime) Addr() net.Addr { return &net.UnixAddr{Net: "unix"} }

// turn is a connection; closing it gives the turn back.
type turn struct {
	net.Conn
	app  *application
	once sync.Once
}

func (t *turn) Close() error {
	err := t.Conn.Close()
	t.once.Do(func() { <-t.app.turn })
	return err
}
