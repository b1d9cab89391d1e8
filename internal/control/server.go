package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/supervisor"
)

// Bounds on what a peer may take of us.
const (
	maxBody     = 64 << 10
	maxHeader   = 16 << 10
	headerGrace = 10 * time.Second // to send the head of a request, and again its body
	idleTimeout = 30 * time.Second
)

// unknownPeer is who asked where the kernel does not say.
const unknownPeer = "somebody"

// Backend is what the server tells about and acts on.
type Backend struct {
	Supervisor *supervisor.Supervisor
	Look       func() *supervisor.Look
	Output     func(pool string) *logs.Ring // recent output of a pool's workers; nil if there is none
	Version    string
	ConfigPath string                  // empty when run from flags
	Public     map[string]http.Handler // what else is told, by pattern: health, metrics, the page
	StartedAt  time.Time
	Log        *slog.Logger
	UpgradedAt time.Time // zero: it is the program that was started
	// Reload reads the configuration again and gives a pool a new generation; nil:
	// there is no configuration to read, the loop does it all.
	Reload func(ctx context.Context, c supervisor.Command, progress func(string)) (supervisor.Outcome, error)
	// Reread reads the configuration again; what has changed of a pool waits for its
	// reload.
	Reread func(progress func(string)) (Change, error)
	// Upgrade replaces the program, and returns only if it cannot.
	Upgrade func(ctx context.Context, binary string, progress func(string)) error
}

// peerKey is where a connection's context has who is at its other end.
type peerKey struct{}

// NewServer makes the server for the listener of Listen. Shutdown ends those who
// follow events or logs, as does the end of the supervisor; commands under way
// are answered first.
func NewServer(b *Backend) *http.Server {
	base, end := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:           b.routes(),
		ReadHeaderTimeout: headerGrace,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(b.Log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peer(c))
		},
	}
	server.RegisterOnShutdown(end)
	return server
}

func (b *Backend) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/pools", b.serveStatus)
	mux.HandleFunc("GET /api/v1/pools/{name}", b.serveStatus)
	mux.HandleFunc("GET /api/v1/events", b.serveEvents)
	mux.HandleFunc("GET /api/v1/logs", b.serveLogs)
	for _, action := range []supervisor.Action{supervisor.ActionStart, supervisor.ActionStop, supervisor.ActionReload, supervisor.ActionRestart, supervisor.ActionScale} {
		mux.HandleFunc("POST /api/v1/pools/{name}/"+string(action), func(w http.ResponseWriter, r *http.Request) {
			b.serveCommand(w, r, action)
		})
	}
	mux.HandleFunc("POST /api/v1/configuration", b.serveReread)
	mux.HandleFunc("POST /api/v1/upgrade", b.serveUpgrade)
	for pattern, page := range b.Public {
		mux.Handle(pattern, page)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		newStream(w, false).refuse(http.StatusNotFound, CodeNotFound, fmt.Errorf("there is no %s %s", r.Method, r.URL.Path))
	})
	return mux
}

// serveStatus answers with the Status, of one pool if the path names one.
func (b *Backend) serveStatus(w http.ResponseWriter, r *http.Request) {
	s := newStream(w, false)
	name := r.PathValue("name")
	if !b.knows(s, name) {
		return
	}
	s.send(b.Status(name))
	s.flush()
}

// Status looks, and tells of one pool, or of all if name is empty. Looks are at all
// pools: the observer forgets the connections it does not see.
func (b *Backend) Status(name string) *Status {
	look := b.Look()
	status := &Status{Pools: []Pool{}, Supervisor: Supervisor{PID: os.Getpid(), Version: b.Version,
		StartedAt: b.StartedAt.UTC(), UpgradedAt: moment(b.UpgradedAt), Config: b.ConfigPath}}
	for _, p := range look.Snapshot.Pools {
		if name == "" || p.Name == name {
			status.Pools = append(status.Pools, newPool(p, look.Observation))
		}
	}
	return status
}

// knows refuses the name of a pool that there is not; the empty name means all.
func (b *Backend) knows(s *stream, name string) bool {
	snapshot := b.Supervisor.Snapshot()
	if name == "" || snapshot.Pool(name) != nil {
		return true
	}
	var names []string
	for _, p := range snapshot.Pools {
		names = append(names, p.Name)
	}
	s.refuse(http.StatusNotFound, CodeUnknownPool,
		fmt.Errorf("%w %q; there are: %s", supervisor.ErrUnknownPool, name, strings.Join(names, ", ")))
	return false
}

// ended says whether the loop has.
func (b *Backend) ended() bool {
	select {
	case <-b.Supervisor.Done():
		return true
	default:
		return false
	}
}

// statusOf is how an error of a command is told.
func statusOf(ctx context.Context, err error) (int, Code) {
	var tooLarge *http.MaxBytesError
	var mistakes Mistakes
	switch {
	case errors.As(err, &mistakes):
		return http.StatusUnprocessableEntity, CodeMistakes
	case errors.Is(err, supervisor.ErrUnknownPool):
		return http.StatusNotFound, CodeUnknownPool
	case errors.Is(err, supervisor.ErrEnded):
		return http.StatusServiceUnavailable, CodeShuttingDown
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, CodeTooLarge
	case ctx.Err() != nil:
		return http.StatusGatewayTimeout, CodeTimeout
	}
	return http.StatusBadRequest, CodeBadRequest
}
