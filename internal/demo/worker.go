package demo

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"strconv"
	"syscall"
	"time"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Worker is the FastCGI application: it serves the socket on descriptor 0, one
// connection at a time as most FastCGI programs do, until it is killed.
func Worker() error {
	socket, err := net.FileListener(os.Stdin)
	if err != nil {
		return fmt.Errorf("descriptor 0 is no listening socket: this command is started by the demo: %w", err)
	}
	a := &application{started: time.Now(), turn: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.page)
	mux.HandleFunc("GET /who", a.who)
	mux.HandleFunc("POST /crash", a.crash)
	return fcgi.Serve(oneAtATime{socket, a}, mux)
}

// application is one worker. Its fields but turn are only used by whoever has
// the turn.
type application struct {
	started  time.Time
	turn     chan struct{} // holds one while a connection is being served
	answered int
	crashing bool
}

// Who is what a worker says of itself.
type Who struct {
	Worker     int    `json:"worker"`
	PID        int    `json:"pid"`
	Generation string `json:"generation"`
	Answered   int    `json:"answered"`
	Seconds    int    `json:"seconds"`
}

func (a *application) self() Who {
	a.answered++
	slot, _ := strconv.Atoi(os.Getenv("FCGI_SUPERVISOR_WORKER"))
	return Who{Worker: slot, PID: os.Getpid(), Generation: os.Getenv("FCGI_SUPERVISOR_GENERATION"),
		Answered: a.answered, Seconds: int(time.Since(a.started).Seconds())}
}

func (a *application) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = page.Execute(w, struct {
		Who
		Slots []int
	}{a.self(), make([]int, Processes)})
}

func (a *application) who(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(a.self())
}

// crash answers, and then ends the worker as a bug would: when the answer is out.
func (a *application) crash(w http.ResponseWriter, r *http.Request) {
	a.crashing = true
	if r.FormValue("back") != "" { // the button without JavaScript
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	a.who(w, r)
}

// oneAtATime accepts a connection when the last one has been closed.
type oneAtATime struct {
	net.Listener
	app *application
}

func (l oneAtATime) Accept() (net.Conn, error) {
	l.app.turn <- struct{}{}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.app.turn
		return nil, err
	}
	return &turn{Conn: conn, app: l.app}, nil
}

type turn struct {
	net.Conn
	app   *application
	ended bool // Close is called by one goroutine
}

func (t *turn) Close() error {
	err := t.Conn.Close()
	if t.ended {
		return err
	}
	t.ended = true
	if t.app.crashing {
		fmt.Fprintln(os.Stderr, "oops: somebody pressed the crash button")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	<-t.app.turn
	return err
}
