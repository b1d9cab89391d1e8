package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/executor"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/internal/web"
	"fcgi-supervisor/metrics"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// ErrRefused: the configuration cannot work on this machine; nothing was started.
var ErrRefused = errors.New("no pool can run like this")

// Daemon is a running supervisor with everything around it.
type Daemon struct {
	cfg  atomic.Pointer[config.Config] // replaced with changing held
	door *door
	// changing is held by who changes what the pools are, not while workers get to
	// know it.
	changing sync.Mutex
	// reconfigured tells who watches files that cfg has been replaced; holds one.
	reconfigured chan struct{}
	options      Options
	signals      *signals
	log          *logs.Log
	lock         *control.Lock
	executor     *executor.Executor
	supervisor   *supervisor.Supervisor
	server       *http.Server
	served       chan error
	http         httpServer
	history      *web.History
	accepted     atomic.Pointer[metrics.ConfigState] // replaced with changing held
	tidier       *tidier
	telling      *telling
	startedAt    time.Time
	listener     *control.Listener
	upgradedAt   time.Time // zero: it is the program that was started
	lineage      string    // the mark of our workers
	lostBefore   uint64    // lines that the logs of earlier supervisors have lost
	keeper       *keeper
	starting     []config.Pool // as an earlier supervisor had them
}

// flushGrace is how long the end waits for a slow reader of the logs.
const flushGrace = time.Second

// Options are what a Daemon is told beside the configuration.
type Options struct {
	Version string        // what status shows
	Started func(*Daemon) // if not nil, called once the sockets listen

	// Mistakes of the configuration file, where the configuration is what Resume has
	// returned.
	Mistakes error

	// What `upgrade` executes: Binary unless it names another, with Args; nil:
	// there is no upgrade.
	Binary string
	Args   []string
	Exit   func(code int) // ends the process for a restart; nil: the workers end with it
}

// Run keeps the pools of cfg running until ctx ends or a signal says so, and
// returns when nothing is left of them.
func Run(ctx context.Context, cfg *config.Config, options Options) error {
	log, err := logs.NewLog(os.Stderr, logs.Format(cfg.Supervisor.LogFormat), cfg.Supervisor.LogLevel)
	if err != nil {
		return err
	}
	d := &Daemon{options: options, log: log, reconfigured: make(chan struct{}, 1), tidier: newTidier(), history: web.NewHistory(), startedAt: time.Now()}
	d.cfg.Store(cfg)
	defer d.closeLog()
	d.signals = catchSignals()
	defer d.signals.close()
	worker.NoteOOMKills()
	d.findManager()
	if err := d.checkMachine(); err != nil {
		return d.telling.cannot(err)
	}
	if err := d.prepare(); err != nil {
		return d.telling.cannot(err)
	}
	defer d.close()
	d.resumed()
	if options.Started != nil {
		options.Started(d)
	}
	d.run(ctx)
	return nil
}

// Log is the supervisor's own log.
func (d *Daemon) Log() *logs.Log { return d.log }

// Supervisor is the loop.
func (d *Daemon) Supervisor() *supervisor.Supervisor { return d.supervisor }

// config is the configuration in force.
func (d *Daemon) config() *config.Config { return d.cfg.Load() }

// checkMachine refuses only if nothing at all could run: one broken pool must
// not keep the others down, and goes into back-off until it is mended. Workers of an
// earlier supervisor do run.
func (d *Daemon) checkMachine() error {
	if len(d.config().Pools) == 0 {
		return fmt.Errorf("%w: there is none in %s; try: a table [pool.NAME] with command and listen", ErrRefused, d.config().Path)
	}
	broken := map[string][]string{}
	for _, p := range d.config().CheckMachine() {
		if p.Fatal && !p.Spares {
			broken[p.Pool] = append(broken[p.Pool], p.String())
			continue
		}
		d.log.Slog().Warn(p.String())
	}
	if len(broken[""]) > 0 {
		return fmt.Errorf("%w:\n%s", ErrRefused, strings.Join(broken[""], "\n"))
	}
	var all []string
	for _, p := range d.config().Pools {
		all = append(all, broken[p.Name]...)
	}
	if len(broken) == len(d.config().Pools) && len(Leftovers(d.runtimeDir())) == 0 {
		return fmt.Errorf("%w:\n%s", ErrRefused, strings.Join(all, "\n"))
	}
	for _, text := range all {
		d.log.Slog().Error(text)
	}
	return nil
}

// prepare opens everything that can be in somebody's way; on an error nothing is
// left behind.
func (d *Daemon) prepare() (err error) {
	heritage, err := receiveHandover()
	if err != nil {
		return err
	}
	if err = d.acquire(heritage); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.lock.Close()
		}
	}()
	if err = d.openControl(heritage); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.listener.Close()
		}
	}()
	if err = d.openPools(heritage); err != nil {
		return err
	}
	d.keeper = d.newKeeper()
	d.changing.Lock() // until catchUp has made the pools what the configuration says
	d.server = d.tellers()
	d.served = make(chan error, 1)
	go func() { d.served <- d.server.Serve(d.listener) }() // ended by close
	d.listenHTTP(d.config().HTTP)
	return nil
}

// acquire gets the lock of the runtime folder, or has it already.
func (d *Daemon) acquire(heritage *handover) (err error) {
	if heritage == nil {
		d.lock, err = control.Acquire(d.runtimeDir())
		return err
	}
	d.lock, d.startedAt, d.upgradedAt = control.Resume(heritage.Lock), heritage.StartedAt, time.Now()
	d.log.Slog().Info("upgraded", "from", heritage.Version, "to", d.options.Version)
	return nil
}

// openControl opens the control socket, or has it already.
func (d *Daemon) openControl(heritage *handover) (err error) {
	path := control.SocketPath(d.runtimeDir())
	if heritage != nil {
		d.listener, err = control.ResumeListener(path, heritage.Control, heritage.ControlTrace)
	} else {
		d.listener, err = control.Listen(path, d.config().Supervisor.ControlGroup)
	}
	return err
}

// openPools opens sockets and logs. As with the rest of the machine, only what
// keeps every pool from running keeps us from running: the others are tried again.
func (d *Daemon) openPools(heritage *handover) error {
	left := d.inherit()
	d.starting = d.startingPools(left)
	d.executor = executor.New(d.starting, d.log, d.runtimeDir(), d.lineage, d.telling.manager)
	d.supervisor = supervisor.New(poolConfigs(d.starting), d.executor, d.record)
	if left != nil {
		d.takeBack(left, heritage)
	} else {
		d.executor.Release(listen.Stored()) // nobody knows what they were
		left = &state{Program: d.options.Version, Lineage: d.lineage}
	}
	if err := left.write(statePath(d.runtimeDir())); err != nil { // before the first birth
		return err
	}
	errs := d.executor.Open()
	if len(errs) == len(d.starting) {
		d.executor.Discard()
		return errors.Join(errs...)
	}
	for _, err := range errs {
		d.log.Slog().Error(err.Error())
	}
	return nil
}

func (d *Daemon) runtimeDir() string { return d.config().Supervisor.RuntimeDir }

// run returns when the loop has ended.
func (d *Daemon) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.executor.Run(d.supervisor.Report)
	d.keeper.start()
	defer d.keeper.done.Wait()
	defer d.startWatching()()
	d.door = d.openDoor()
	defer d.door.close()
	d.succeedRestart()
	defer d.startTelling(ctx)()
	d.signals.start(d, cancel)
	d.supervisor.Run(ctx)
}

// close ends what prepare began, in the opposite order.
func (d *Daemon) close() {
	ctx, cancel := context.WithTimeout(context.Background(), flushGrace)
	defer cancel()
	d.changing.Lock()
	d.closeHTTP()
	d.changing.Unlock()
	_ = d.server.Shutdown(ctx)
	<-d.served
	d.executor.Close(ctx)
	_ = os.Remove(statePath(d.runtimeDir()))
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
		list = append(list, poolConfig(p))
	}
	return list
}

func poolConfig(p config.Pool) supervisor.PoolConfig {
	return supervisor.PoolConfig{Name: p.Name, Listen: p.Listen.String(), Processes: p.Processes,
		Reload: p.ReloadWay(), OneApart: p.Listen.Kind == listen.TCP, ByUptime: p.Ready == config.ReadyUptime, MinUptime: p.MinUptime,
		StartTimeout: p.StartTimeout, StopTimeout: p.StopTimeout, DrainTimeout: p.DrainTimeout,
		Probe: probing(p.Probe), Delay: p.Restart.Delay, DelayMax: p.Restart.DelayMax}
}

func probing(p config.Probe) supervisor.Probing {
	if p.Path == "" {
		return supervisor.Probing{}
	}
	return supervisor.Probing{Interval: p.Interval, Failures: p.Failures}
}
