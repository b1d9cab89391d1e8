package daemon

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"fcgi-supervisor/worker"
)

// signals turns signals into calls; its goroutine is ended by close.
type signals struct {
	arrived chan os.Signal
	quit    chan struct{}
	done    sync.WaitGroup
}

// handled are the signals that mean something to us, and SIGPIPE, which would end
// a Go program whose standard error has lost its reader, signal(7), os/signal.
var handled = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE}

// catchSignals comes before anything that would have to be undone: a signal that
// arrives while we begin waits until somebody watches.
func catchSignals() *signals {
	s := &signals{arrived: make(chan os.Signal, 16), quit: make(chan struct{})}
	signal.Notify(s.arrived, handled...)
	return s
}

func (s *signals) start(d *Daemon, stop context.CancelFunc) {
	s.done.Go(func() { s.watch(d, stop) })
}

func (s *signals) close() {
	signal.Stop(s.arrived)
	close(s.quit)
	s.done.Wait()
}

func (s *signals) watch(d *Daemon, stop context.CancelFunc) {
	stopping := false
	for {
		select {
		case sig := <-s.arrived:
			stopping = d.handle(sig, stopping, stop) || stopping
		case <-s.quit:
			return
		}
	}
}

// handle carries out one signal; it returns true when that means the end.
func (d *Daemon) handle(sig os.Signal, stopping bool, stop context.CancelFunc) bool {
	log := d.log.Slog()
	switch sig {
	case syscall.SIGTERM, syscall.SIGINT:
		name := sig.(syscall.Signal)
		if stopping {
			log.Warn("second signal: ending everything at once", "signal", worker.SignalName(name))
			d.supervisor.KillAll()
			return true
		}
		log.Info("stopping: requests under way are finished", "signal", worker.SignalName(name))
		stop()
		return true
	case syscall.SIGHUP:
		log.Info("reading the configuration again", "signal", "SIGHUP")
		d.door.knock()
	case syscall.SIGUSR1:
		d.executor.Reopen()
		log.Info("log files opened again")
	case syscall.SIGUSR2:
		log.Warn("SIGUSR2: this version cannot be upgraded in place yet")
	}
	return false
}
