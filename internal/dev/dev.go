package dev

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/daemon"
	"fcgi-supervisor/internal/fastcgi"
	"fcgi-supervisor/supervisor"
)

// Options of a development server.
type Options struct {
	HTTP    string              // where the front listens; "": the first free port from 127.0.0.1:8000
	Prefix  string              // where the application is mounted: "" or "/app"
	Root    string              // a folder whose files the front sends itself; "": none
	Values  map[string][]string // flags of the pool, as typed
	Command []string            // of the worker
	Version string
	Out     io.Writer
	Keys    *os.File // the terminal that keys are pressed at; nil, or no terminal: none are
}

// Run serves until ctx or a signal ends it, and leaves nothing behind. A
// configuration that is refused is config.Errors or daemon.ErrRefused.
func Run(ctx context.Context, o Options) error {
	// The daemon has handlers of its own, but only while it runs: a signal before
	// or after that would leave the folder.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	folder, err := os.MkdirTemp("", "fcgi-dev-")
	if err != nil {
		return fmt.Errorf("make a folder for the supervisor: %w", err)
	}
	defer os.RemoveAll(folder)
	cfg, err := configure(o, folder)
	if err != nil {
		return err
	}
	var files *os.Root
	if o.Root != "" {
		if files, err = os.OpenRoot(o.Root); err != nil {
			return fmt.Errorf("open the folder of files: %w", err)
		}
		defer files.Close()
	}
	listener, err := fastcgi.ListenHTTP(o.HTTP)
	if err != nil {
		return err
	}
	defer listener.Close()
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second}
	defer server.Close()
	r := &running{options: o, listener: listener, server: server, output: newOutput(), files: files, pool: cfg.Pools[0],
		client: control.NewClient(control.SocketPath(folder))}
	ctx, r.cancel = context.WithCancel(ctx)
	defer r.wait()
	return daemon.Run(ctx, cfg, daemon.Options{Version: o.Version, Started: func(d *daemon.Daemon) { r.begin(ctx, d) }})
}

// running is what lives beside the daemon.
type running struct {
	options  Options
	listener net.Listener
	server   *http.Server
	output   *output
	files    *os.Root
	pool     config.Pool
	client   *control.Client
	cancel   context.CancelFunc
	restore  func() // the terminal's settings; nil: they were not touched
	done     sync.WaitGroup
}

// begin is called once the socket listens. Its goroutines end with ctx, or when
// the server is closed.
func (r *running) begin(ctx context.Context, d *daemon.Daemon) {
	s := d.Supervisor()
	front := newFront(r.options, r.pool, s, r.output, r.files)
	front.gateway.Stderr = func(line []byte) { // FCGI_STDERR, which a web server has in its log
		r.output.add(string(line))
		d.Log().Slog().Error(string(line), "pool", r.pool.Name)
	}
	r.server.Handler = front
	r.done.Go(func() { _ = r.server.Serve(r.listener) })
	r.done.Go(func() { r.output.follow(ctx, r.client) })
	if keys, restore := openKeys(r.options.Keys); keys != nil {
		r.done.Go(func() { r.press(ctx, keys, s) })
		r.restore = restore
	}
	r.announce()
}

// wait ends what begin began.
func (r *running) wait() {
	r.cancel()
	r.server.Close()
	if r.restore != nil {
		r.restore()
	}
	r.done.Wait()
}

// press does what keys ask for; it ends with the terminal.
func (r *running) press(ctx context.Context, keys <-chan byte, s *supervisor.Supervisor) {
	for {
		select {
		case key, open := <-keys:
			switch {
			case !open:
				return
			case key == 'r' || key == 'R':
				// Its outcome is in the log, which is on the same terminal.
				_, _ = s.Do(ctx, supervisor.Command{Action: supervisor.ActionReload, Pool: r.pool.Name, Trigger: "api", By: "a key"}, nil)
			case key == 'q' || key == 'Q':
				r.cancel()
			}
		case <-ctx.Done():
			return
		}
	}
}

func (r *running) announce() {
	address := r.listener.Addr().String()
	fmt.Fprintf(r.options.Out, "\n  http://%s%s/\n\n", address, r.options.Prefix)
	fmt.Fprintf(r.options.Out, "  For development, never for production: it shows tracebacks to everybody who\n  reaches it, and gives workers your whole environment.\n")
	if host, err := netip.ParseAddrPort(address); err == nil && !host.Addr().IsLoopback() {
		fmt.Fprintf(r.options.Out, "  %s can be reached from other machines.\n", address)
	}
	fmt.Fprintf(r.options.Out, "\n  Saving a file in %s reloads it.", r.pool.Directory)
	if isTerminal(r.options.Keys) {
		fmt.Fprint(r.options.Out, " Keys: r reloads, q ends.")
	}
	fmt.Fprint(r.options.Out, "\n\n")
}

// socketOf is where the pool listens, in the supervisor's folder.
func socketOf(folder string) string { return filepath.Join(folder, "app.sock") }
