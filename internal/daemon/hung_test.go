package daemon

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/notify"
	"fcgi-supervisor/supervisor"
)

// A loop that hangs must not answer the watchdog, however alive the rest of the
// process is. Not covered: what systemd does then (internal/boottest).

// stuck is an executor that does not return from its first order until it is let,
// which no real one may do; then no address can be bound.
type stuck struct {
	let    chan struct{}
	daemon *Daemon
}

func (s stuck) Do(o supervisor.Order) {
	<-s.let
	if bind, ok := o.(supervisor.Bind); ok {
		go s.daemon.supervisor.Report(supervisor.Bound{Pool: bind.Pool, Err: net.ErrClosed})
	}
}

func TestHungLoopAnswersNoWatchdog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "2000")
	manager, err := notify.Find()
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{telling: &telling{manager: manager}}
	executor := stuck{make(chan struct{}), d}
	d.telling.daemon = d
	d.cfg.Store(&config.Config{})
	d.supervisor = supervisor.New([]supervisor.PoolConfig{{Name: "blog", Processes: 1}}, executor, func(supervisor.Event) {})
	run, cancel := context.WithCancel(context.Background())
	stop := d.startTelling(run)
	var loop sync.WaitGroup
	loop.Go(func() { d.supervisor.Run(run) })
	text := make([]byte, 4096)
	// 100 intervals: long enough for the answers of a loop that lives, too short
	// to make anybody wait.
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		n, err := conn.Read(text)
		if err != nil {
			break
		}
		if string(text[:n]) == "WATCHDOG=1" {
			t.Error("a hung loop was called alive")
			break
		}
	}
	stop()
	cancel()
	close(executor.let)
	loop.Wait()
}
