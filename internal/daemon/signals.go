package daemon

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

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

func (d *Daemon) upgradeOnSignal() {
	if err := d.Upgrade(context.Background(), "", func(string) {}); err != nil {
		d.log.Slog().Error("cannot upgrade; everything goes on as before", "err", err)
	}
}

// hold blocks the signals that we handle, so that one that comes while the program
// is replaced waits for the next program and is not lost, nor our end: until that
// one handles them they have their default action. What has arrived already is sent
// again. restore undoes it.
//
// A build with cgo cannot block them in all threads; it takes the risk.
func (s *signals) hold() (restore func()) {
	var set, old unix.Sigset_t
	for _, sig := range handled {
		n := uint(sig.(syscall.Signal)) - 1
		set.Val[n/64] |= 1 << (n % 64)
	}
	runtime.LockOSThread() // whoever executes passes its own mask on
	mask := func(how int, set *unix.Sigset_t) {
		_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_RT_SIGPROCMASK, uintptr(how), uintptr(unsafe.Pointer(set)), 0, 8, 0, 0)
		if errno != 0 {
			_ = unix.PthreadSigmask(how, set, &old)
		}
	}
	mask(unix.SIG_BLOCK, &set)
	time.Sleep(settleGrace)
	for {
		select {
		case sig := <-s.arrived:
			_ = unix.Kill(os.Getpid(), sig.(syscall.Signal))
			continue
		default:
		}
		break
	}
	return func() {
		mask(unix.SIG_UNBLOCK, &set)
		runtime.UnlockOSThread()
	}
}

// settleGrace is how long the runtime may take to pass a signal on that it has
// caught.
const settleGrace = time.Millisecond

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
		if Restarting(d.runtimeDir()) {
			log.Info("restarting: the workers serve on", "signal", worker.SignalName(name))
			log.Error("cannot leave the workers to the next supervisor, so they end with this one", "err", d.leave())
		}
		log.Info("stopping: requests under way are finished", "signal", worker.SignalName(name))
		stop()
		return true
	case syscall.SIGHUP:
		log.Info("reading the configuration again", "signal", "SIGHUP")
		d.telling.reloading()
		d.door.knock()
	case syscall.SIGUSR1:
		d.executor.Reopen()
		log.Info("log files opened again")
	case syscall.SIGUSR2:
		log.Info("upgrading in place", "signal", "SIGUSR2")
		go d.upgradeOnSignal() // ends with the upgrade, or with the supervisor
	}
	return false
}
