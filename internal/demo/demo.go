package demo

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/daemon"
	"fcgi-supervisor/internal/fastcgi"
)

// Processes is how many workers the demo has.
const Processes = 5

// WorkerCommand is the hidden command by which the demo starts its workers.
const WorkerCommand = "demo-worker"

// Options of a demo.
type Options struct {
	HTTP    string // where the page is; empty: the first free port from 127.0.0.1:8000
	Version string
	Out     io.Writer
}

// Run shows the demo until ctx or a signal ends it; it leaves nothing behind.
func Run(ctx context.Context, o Options) error {
	// The daemon has handlers of its own, but only while it runs: a signal before
	// or after that would leave the folder.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := fastcgi.ListenHTTP(o.HTTP)
	if err != nil {
		return err
	}
	defer listener.Close()
	folder, err := os.MkdirTemp("", "fcgi-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer os.RemoveAll(folder)
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	status := freeAddress()
	cfg, err := configuration(self, folder, status)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: front(cfg.Pools[0].Listen.Path), ReadHeaderTimeout: 10 * time.Second}
	defer server.Close()
	return daemon.Run(ctx, cfg, daemon.Options{Version: o.Version, Started: func(*daemon.Daemon) {
		go func() { _ = server.Serve(listener) }() // ended by the deferred Close
		announce(o.Out, listener.Addr().String(), status, self, filepath.Join(folder, "control.sock"))
	}})
}

func configuration(self, folder, status string) (*config.Config, error) {
	cfg, err := config.FromFlags(config.Flags{Command: []string{self, WorkerCommand}, Values: map[string][]string{
		"name":        {"demo"},
		"listen":      {"unix:" + filepath.Join(folder, "demo.sock")},
		"processes":   {strconv.Itoa(Processes)},
		"runtime-dir": {folder},
		"http":        {status},
	}})
	return &cfg, err
}

// front is the web server of the demo.
func front(socket string) http.Handler {
	return &fastcgi.Gateway{Network: "unix", Address: socket, Timeout: 10 * time.Second}
}

// firstStatusPort and the hundred after it are tried for the supervisor's own page.
const firstStatusPort = 9843

// freeAddress is where nobody listens a moment before the supervisor does. That
// somebody came in between is told, and takes nothing from the demo but that page.
func freeAddress() string {
	for port := firstStatusPort; port < firstStatusPort+100; port++ {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if listener, err := net.Listen("tcp", address); err == nil {
			listener.Close()
			return address
		}
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(firstStatusPort))
}

func announce(out io.Writer, address, status, self, control string) {
	fmt.Fprintf(out, `
  Five FastCGI workers share one socket, and nothing else had to be installed.

    http://%[1]s/          the application
    http://%[2]s/          what the supervisor sees, live
    http://%[2]s/metrics   the same for Prometheus

  Open both pages, press the button of the first, and watch the second and this terminal. In another one, try:

    %[3]s status --watch --control %[4]s
    %[3]s restart demo --control %[4]s
    kill -9 PID    (of a worker, or of all five at once: they are back before you look)

  Ctrl-C ends the demo and leaves nothing behind.

`, address, status, self, control)
}
