package executor

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// Executor carries out orders, one after the other, in a goroutine of its own.
type Executor struct {
	report  func(supervisor.Fact) bool
	log     *logs.Log
	folder  string // for sockets of our own: the runtime folder
	lineage string // the mark of our workers and of those of our predecessors
	store   Store
	looker  *looker

	// A mutex and not a channel because Do is called by the loop, which must
	// never wait, however many orders there are.
	mu    sync.Mutex
	tasks []func()
	wake  chan struct{} // holds one

	crews    atomic.Pointer[map[string]*crew] // replaced whole; Add and Remove belong to one goroutine
	born     map[int]bool                     // work goroutine only: pids of living workers
	orphans  *orphanage                       // work goroutine only
	recalled bool                             // workers were taken back; written before Run
	stored   map[uint64]bool                  // work goroutine, or before Run: what is in the store, by inode
	seen     sightings
	quit     chan struct{} // closed by Close
	done     sync.WaitGroup
}

// crew is a pool as the executor sees it.
type crew struct {
	cfg     config.Pool
	ring    *logs.Ring
	stopped bool                             // when an earlier supervisor ended; written before Run
	before  Output                           // what earlier supervisors have counted; written before Run
	sink    sink                             // work goroutine only, once it runs
	sinks   atomic.Pointer[[]sink]           // it and all before it, for those who look
	socket  atomic.Pointer[listen.Socket]    // what clients reach; written by the work goroutine; nil while unbound
	apart   atomic.Pointer[[]*listen.Socket] // candidates' sockets and those being drained; likewise

	memory atomic.Pointer[Memory] // what a successor must know; likewise

	births map[int]*birth         // work goroutine only: by generation
	on     map[int]*listen.Socket // work goroutine only: the socket of each generation's workers
	hands  map[supervisor.ID]*hand

	opening  int            // work goroutine only: the generation for whose socket there is no room yet
	over     *listen.Socket // work goroutine only: a predecessor's, which has our address and no descriptor
	oldSinks []sink         // of earlier configurations: their workers may still write
	daemons  int            // work goroutine only: the last generation whose workers made themselves daemons
}

// hand is a worker that has been ordered and not buried.
type hand struct {
	process *worker.Process          // nil until it is born
	socket  *listen.Socket           // on its descriptor 0
	notify  *worker.Notify           // nil unless ready = "notify"
	adopted *supervisor.WorkerMemory // nil: it is a child of ours
}

// New makes an executor for these pools. Nothing is started before Run. A log file
// that cannot be opened is reported, and its pool writes to our own log. lineage is
// the mark in the environment of workers by which a successor knows them; folder is
// where sockets that no client knows may be; store is where sockets are put that
// are to outlive us and all workers.
func New(pools []config.Pool, log *logs.Log, folder, lineage string, store Store) *Executor {
	e := &Executor{log: log, folder: folder, lineage: lineage, store: store, stored: map[uint64]bool{}, wake: make(chan struct{}, 1), born: map[int]bool{},
		quit: make(chan struct{}), seen: sightings{since: map[uint64]sighting{}}}
	e.crews.Store(&map[string]*crew{})
	for _, p := range pools {
		e.Add(p)
	}
	return e
}

// Open opens the sockets of all pools before anything is started, so that what is
// in the way is told to whoever starts us. A pool that is to stay stopped has none.
// It returns an error for each pool whose socket cannot be opened.
func (e *Executor) Open() []error {
	var errs []error
	for _, c := range e.all() {
		if c.stopped || len(c.hands) > 0 && c.over == nil {
			continue // taken back; if its socket was not, the loop waits for the workers to go
		}
		if err := c.open(); err != nil {
			errs = append(errs, fmt.Errorf("pool %s: %w", c.cfg.Name, err))
		}
	}
	e.keepSockets()
	return errs
}

// Discard undoes New and Open, where Run is not to follow.
func (e *Executor) Discard() {
	for _, c := range e.all() {
		c.unbind()
	}
	e.freeAddresses()
	e.closeSinks(context.Background())
}

// Run starts the executor's goroutines: work, the looker's, and one that notes
// the end of orphans. Close ends them. Facts go to report.
func (e *Executor) Run(report func(supervisor.Fact) bool) {
	e.report = report
	e.looker = newLooker(report)
	e.orphans = adopt()
	for _, c := range e.all() {
		e.attend(c)
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGCHLD)
	e.done.Add(3)
	go func() { defer e.done.Done(); e.work() }()
	go func() { defer e.done.Done(); e.looker.run(e.quit) }()
	go func() { defer e.done.Done(); e.mourn(ends) }()
}

// Close ends the goroutines and writes out what workers have written, until ctx
// ends. The loop must have ended.
func (e *Executor) Close(ctx context.Context) {
	close(e.quit)
	e.done.Wait()
	e.closeSinks(ctx)
}

func (e *Executor) closeSinks(ctx context.Context) {
	for _, c := range e.all() {
		for _, sink := range append(c.oldSinks, c.sink) {
			sink.Close(ctx)
		}
	}
}

// Reopen opens log files again, for logrotate(8).
func (e *Executor) Reopen() {
	e.wait(func() {
		for name, c := range e.all() {
			if err := c.sink.Reopen(); err != nil {
				e.log.Slog().Error("cannot open the log file again, the old one is written on", "pool", name, "err", err)
			}
		}
	})
}

// Output is the recent output of a pool's workers, nil for an unknown pool.
func (e *Executor) Output(pool string) *logs.Ring {
	if c := e.all()[pool]; c != nil {
		return c.ring
	}
	return nil
}

// Do implements supervisor.Executor.
func (e *Executor) Do(o supervisor.Order) { e.push(func() { e.carryOut(o) }) }

func (e *Executor) push(task func()) {
	e.mu.Lock()
	e.tasks = append(e.tasks, task)
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// work carries out tasks until Close.
func (e *Executor) work() {
	for {
		e.mu.Lock()
		tasks := e.tasks
		e.tasks = nil
		e.mu.Unlock()
		for _, task := range tasks {
			task()
		}
		if len(tasks) > 0 {
			continue
		}
		select {
		case <-e.wake:
		case <-e.quit:
			return
		}
	}
}

// mourn has orphans that end reaped; it ends with Close.
func (e *Executor) mourn(ends chan os.Signal) {
	defer signal.Stop(ends)
	for {
		select {
		case <-ends:
			e.push(func() { e.orphans.reap(e.born) })
		case <-e.quit:
			return
		}
	}
}

func (e *Executor) carryOut(o supervisor.Order) {
	switch o := o.(type) {
	case supervisor.Bind:
		c := e.all()[o.Pool]
		err := c.open()
		e.keepSockets()
		e.report(supervisor.Bound{Pool: o.Pool, Err: err})
	case supervisor.Hide:
		e.hide(e.all()[o.Pool], o)
	case supervisor.Unbind:
		c := e.all()[o.Pool]
		e.endStrays(c)
		c.unbind()
		e.freeAddresses()
		e.report(supervisor.Unbound(o))
	case supervisor.Open:
		e.openInTime(o, time.Now().Add(closing))
	case supervisor.Probe:
		e.beginProbe(e.all()[o.Pool], o)
	case supervisor.Expose:
		e.report(supervisor.Exposed{Pool: o.Pool, Generation: o.Generation, Err: e.all()[o.Pool].expose(o.Generation)})
	case supervisor.Drain:
		c := e.all()[o.Pool]
		socket := c.on[o.Generation]
		go e.drain(socket, c.pidsOn(socket), o)
	case supervisor.Shut:
		e.all()[o.Pool].shut(o.Generation)
		e.keepSockets()
	case supervisor.Forget:
		e.all()[o.Pool].forget(o.Before)
	case supervisor.Start:
		e.start(e.all()[o.Pool], o)
	case supervisor.Stop:
		e.stop(e.all()[o.Pool], o)
	case supervisor.Kill:
		if h := e.all()[o.Pool].hands[o.ID]; h != nil && h.process != nil {
			h.process.Kill()
		}
	}
}

func (e *Executor) logger() *slog.Logger { return e.log.Slog() }
