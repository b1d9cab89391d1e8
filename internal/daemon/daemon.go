package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/executor"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// ErrRefused: the configuration cannot work on this machine; nothing was started.
var ErrRefused = errors.New("no pool can run like this")

// Daemon is a running supervisor with everything around it.
type Daemon struct {
	cfg        *config.Config
	log        *logs.Log
	lock       *control.Lock
	executor   *executor.Executor
	supervisor *supervisor.Supervisor
	server     *http.Server
	served     chan error
	tidier     *tidier
	startedAt  time.Time
}

// flushGrace is how long the end waits for a slow reader of the logs.
const flushGrace = time.Second

// Run keeps the pools of cfg running until ctx ends or a signal says so, and
// returns when nothing is left of them. version is what status shows. started,
// if not nil, is called once the sockets listen.
func Run(ctx context.Context, cfg *config.Config, version string, started func(*Daemon)) error {
	log, err := logs.NewLog(os.Stderr, logs.Format(cfg.Supervisor.LogFormat), cfg.Supervisor.LogLevel)
	if err != nil {
		return err
	}
	d := &Daemon{cfg: cfg, log: log, tidier: newTidier(), startedAt: time.Now()}
	defer d.closeLog()
	worker.NoteOOMKills()
	if err := d.checkMachine(); err != nil {
		return err
	}
	if err := d.prepare(version); err != nil {
		return err
	}
	defer d.close()
	if started != nil {
		started(d)
	}
	d.run(ctx)
	return nil
}

// Log is the supervisor's own log.
func (d *Daemon) Log() *logs.Log { return d.log }

// Supervisor is the loop.
func (d *Daemon) Supervisor() *supervisor.Supervisor { return d.supervisor }

// checkMachine refuses only if nothing at all could run: one broken pool must
// not keep the others down, and goes into back-off until it is mended.
func (d *Daemon) checkMachine() error {
	if len(d.cfg.Pools) == 0 {
		return fmt.Errorf("%w: there is none in %s; try: a table [pool.NAME] with command and listen", ErrRefused, d.cfg.Path)
	}
	broken := map[string][]string{}
	for _, p := range d.cfg.CheckMachine() {
		if p.Fatal {
			broken[p.Pool] = append(broken[p.Pool], p.String())
			continue
		}
		d.log.Slog().Warn(p.String())
	}
	if len(broken[""]) > 0 {
		return fmt.Errorf("%w:\n%s", ErrRefused, strings.Join(broken[""], "\n"))
	}
	var all []string
	for _, p := range d.cfg.Pools {
		all = append(all, broken[p.Name]...)
	}
	if len(broken) == len(d.cfg.Pools) {
		return fmt.Errorf("%w:\n%s", ErrRefused, strings.Join(all, "\n"))
	}
	for _, text := range all {
		d.log.Slog().Error(text)
	}
	return nil
}

// prepare opens everything that can be in somebody's way; on an error nothing is
// left behind.
func (d *Daemon) prepare(version string) (err error) {
	folder := d.cfg.Supervisor.RuntimeDir
	if d.lock, err = control.Acquire(folder); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.lock.Close()
		}
	}()
	listener, err := control.Listen(filepath.Join(folder, "control.sock"), d.cfg.Supervisor.ControlGroup)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			listener.Close()
		}
	}()
	if d.executor, err = executor.New(d.cfg.Pools, d.log); err != nil {
		return err
	}
	if err = d.executor.Open(); err != nil {
		return err
	}
	d.supervisor = supervisor.New(poolConfigs(d.cfg.Pools), d.executor, d.record)
	d.server = control.NewServer(control.Backend{Supervisor: d.supervisor, Observer: d.executor, Output: d.executor.Output,
		Version: version, ConfigPath: d.cfg.Path, StartedAt: d.startedAt, Log: d.log.Slog()})
	d.served = make(chan error, 1)
	go func() { d.served <- d.server.Serve(listener) }() // ended by close
	return nil
}

// run returns when the loop has ended.
func (d *Daemon) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signals := d.watchSignals(cancel)
	defer signals.close()
	d.executor.Run(d.supervisor.Report)
	d.supervisor.Run(ctx)
}

// close ends what prepare began, in the opposite order.
func (d *Daemon) close() {
	ctx, cancel := context.WithTimeout(context.Background(), flushGrace)
	defer cancel()
	_ = d.server.Shutdown(ctx)
	<-d.served
	d.executor.Close(ctx)
	d.lock.Close()
	d.log.Slog().Info("stopped", "after", worker.Span(time.Since(d.startedAt)))
}

func (d *Daemon) closeLog() {
	ctx, cancel := context.WithTimeout(context.Background(), flushGrace)
	defer cancel()
	_ = d.log.Close(ctx)
}

// poolConfigs is what the loop needs to know.
func poolConfigs(pools []config.Pool) []supervisor.PoolConfig {
	var list []supervisor.PoolConfig
	for _, p := range pools {
		list = append(list, supervisor.PoolConfig{Name: p.Name, Listen: p.Listen.String(), Processes: p.Processes,
			Reload: reloadOf(p), ByUptime: p.Ready == config.ReadyUptime, MinUptime: p.MinUptime,
			StartTimeout: p.StartTimeout, StopTimeout: p.StopTimeout, DrainTimeout: p.DrainTimeout, Delay: p.Restart.Delay, DelayMax: p.Restart.DelayMax})
	}
	return list
}

// reloadOf says what auto means for the pool: swap needs a name that can be moved.
func reloadOf(p config.Pool) string {
	switch {
	case p.Reload != config.ReloadAuto:
		return p.Reload
	case p.Listen.Kind == listen.Unix:
		return supervisor.ReloadSwap
	}
	return supervisor.ReloadRolling
}
