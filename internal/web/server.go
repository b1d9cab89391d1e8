package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/listen"
)

// Bounds on what a client may take of us; doorman.go has those on connections.
const (
	headerGrace  = 5 * time.Second // to send the head of a request
	requestGrace = 10 * time.Second
	answerGrace  = 30 * time.Second // to read an answer; the page's changes have a bound of their own
	idleGrace    = 2 * time.Minute  // longer than most scrape intervals
	maxHeader    = 16 << 10
	maxStreams   = 16 // requests at once on one connection of HTTP/2
)

// socketMode lets every user of the machine in, as a port of the loopback address
// does. The folder of the socket can be closed to them.
const socketMode = 0o666

// Server answers HTTP at one address.
type Server struct {
	http     *http.Server
	listener net.Listener
	done     chan struct{} // closed when the goroutine that serves has ended
}

// Open listens and begins to answer.
func Open(c config.HTTP, b Backend, log *slog.Logger) (*Server, error) {
	if err := toolkit.Validate(c.WebConfigFile); err != nil {
		return nil, fmt.Errorf("read %s: %w", c.WebConfigFile, err)
	}
	listener, err := open(c.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{http: newServer(handler(b), log), listener: listener, done: make(chan struct{})}
	go s.serve(c, log) // ended by Close
	return s, nil
}

func open(a listen.Address) (net.Listener, error) {
	if a.Kind == listen.Unix {
		return control.ListenUnix(a.Path, listen.Options{Owner: -1, Group: -1, Mode: socketMode})
	}
	return net.Listen("tcp", a.HostPort())
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	base, end := context.WithCancel(context.Background())
	d := newDoorman(maxConnections, maxRequests)
	server := &http.Server{
		Handler:           d.guard(secured(h)),
		ReadHeaderTimeout: headerGrace,
		ReadTimeout:       requestGrace,
		WriteTimeout:      answerGrace,
		IdleTimeout:       idleGrace,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what strangers send is no news
		BaseContext:       func(net.Listener) context.Context { return base },
	}
	server.RegisterOnShutdown(end) // for those who watch the page
	d.watch(server)
	return server
}

// secured tells browsers that nothing of ours is anything but what it says it is,
// and that no page of ours loads anything from elsewhere.
func secured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}

func (s *Server) serve(c config.HTTP, log *slog.Logger) {
	defer close(s.done)
	log.Info("answering HTTP", "address", c.Listen.String())
	err := toolkit.Serve(s.listener, s.http, &toolkit.FlagConfig{WebConfigFile: &c.WebConfigFile}, slog.New(warnings{log.Handler()}))
	if !errors.Is(err, http.ErrServerClosed) {
		log.Error("no more HTTP is answered", "address", c.Listen.String(), "err", err)
	}
}

// Close ends the answers under way when ctx does.
func (s *Server) Close(ctx context.Context) {
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	_ = s.listener.Close() // where it was never served
	<-s.done
}

// warnings drops what exporter-toolkit says in its own words of a good start.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
