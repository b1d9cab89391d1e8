package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
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

// Run shows the demo until a signal ends it; it leaves nothing behind.
func Run(ctx context.Context, o Options) error {
	folder, err := os.MkdirTemp("", "fcgi-supervisor-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer os.RemoveAll(folder)
	listener, err := listenHTTP(o.HTTP)
	if err != nil {
		return err
	}
	defer listener.Close()
	cfg, err := configuration(folder)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: front(cfg.Pools[0].Listen.Path), ReadHeaderTimeout: 10 * time.Second}
	defer server.Close()
	return daemon.Run(ctx, cfg, o.Version, func(*daemon.Daemon) {
		go func() { _ = server.Serve(listener) }() // ended by the deferred Close
		announce(o.Out, listener.Addr().String(), filepath.Join(folder, "control.sock"))
	})
}

func configuration(folder string) (*config.Config, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cfg, err := config.FromFlags(config.Flags{Command: []string{self, WorkerCommand}, Values: map[string][]string{
		"name":        {"demo"},
		"listen":      {"unix:" + filepath.Join(folder, "demo.sock")},
		"processes":   {strconv.Itoa(Processes)},
		"runtime-dir": {folder},
	}})
	return &cfg, err
}

// front is the web server of the demo.
func front(socket string) http.Handler {
	return &fastcgi.Gateway{Network: "unix", Address: socket, Timeout: 10 * time.Second}
}

// firstPort and the hundred after it are tried when none is asked for.
const firstPort = 8000

func listenHTTP(address string) (net.Listener, error) {
	if address != "" {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("open the demo's HTTP port: %w", err)
		}
		return listener, nil
	}
	for port := firstPort; port < firstPort+100; port++ {
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return listener, nil
		}
	}
	return nil, errors.New("open the demo's HTTP port: 127.0.0.1:8000 to 8099 are all taken; try: --http 127.0.0.1:PORT")
}

func announce(out io.Writer, address, control string) {
	fmt.Fprintf(out, `
  Five FastCGI workers share one socket. Nothing else had to be installed.

    page       http://%[1]s/      (press the crash button, watch this terminal)
    status     fcgi-supervisor status --control %[2]s
    kill one   kill -9 PID             (any PID of status; it is back before you look)
    restart    fcgi-supervisor restart demo --control %[2]s

  Ctrl-C ends it and leaves nothing behind.

`, address, control)
}
