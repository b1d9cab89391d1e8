package control_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// patience bounds every wait; it is reached only by a test that fails.
const patience = 30 * time.Second

// crew carries out the loop's orders by saying that they are done: workers of the
// pool "broken" end at once, those of "slow" never become ready, all others are
// ready at once.
type crew struct {
	orders chan supervisor.Order
	report func(supervisor.Fact) bool
}

func (c *crew) Do(o supervisor.Order) { c.orders <- o }

// run ends when orders is closed.
func (c *crew) run() {
	for o := range c.orders {
		switch o := o.(type) {
		case supervisor.Bind:
			c.report(supervisor.Bound{Pool: o.Pool})
		case supervisor.Hide:
			c.report(supervisor.Hidden{Pool: o.Pool})
		case supervisor.Unbind:
			c.report(supervisor.Unbound(o))
		case supervisor.Start:
			c.start(o)
		case supervisor.Stop:
			c.report(supervisor.Exited{Pool: o.Pool, ID: o.ID, Exit: worker.Exit{At: time.Now(), Lived: time.Second}})
		case supervisor.Kill:
			c.report(supervisor.Exited{Pool: o.Pool, ID: o.ID, Exit: worker.Exit{At: time.Now(), Signal: 9}})
		}
	}
}

func (c *crew) start(o supervisor.Start) {
	c.report(supervisor.Started{Pool: o.Pool, ID: o.ID, PID: 1000 + int(o.ID), StartTicks: 1, At: time.Now()})
	switch o.Pool {
	case "broken":
		c.report(supervisor.Exited{Pool: o.Pool, ID: o.ID, Exit: worker.Exit{At: time.Now(), Lived: time.Millisecond, Code: 3,
			Output: []string{"no such module"}}})
	case "slow":
	default:
		c.report(supervisor.Ready{Pool: o.Pool, ID: o.ID, At: time.Now()})
	}
}

// eye sees that worker 1 is busy, and nothing of the others.
type eye struct{}

var busySince = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func (eye) Observe(s *supervisor.Snapshot) *supervisor.Observation {
	queue, backlog, busy, rss := 2, 4096, true, uint64(12<<20)
	o := &supervisor.Observation{Pools: map[string]supervisor.PoolFigures{}, Workers: map[supervisor.ID]supervisor.WorkerFigures{}}
	o.Pools["blog"] = supervisor.PoolFigures{Queue: &queue, Backlog: &backlog}
	for _, p := range s.Pools {
		for _, w := range p.Workers {
			if p.Name == "blog" && w.Slot == 1 {
				o.Workers[w.ID] = supervisor.WorkerFigures{Busy: &busy, BusySince: busySince, RSSBytes: &rss}
			}
		}
	}
	return o
}

// site is a supervisor with its control socket.
type site struct {
	t          *testing.T
	path       string
	client     *control.Client
	server     *http.Server
	supervisor *supervisor.Supervisor
	rings      map[string]*logs.Ring
	end        context.CancelFunc // of the supervisor
	log        *recorder
}

func serve(t *testing.T, pools ...string) *site {
	t.Helper()
	s := &site{t: t, path: filepath.Join(t.TempDir(), "control.sock"), rings: map[string]*logs.Ring{}, log: &recorder{}}
	var configs []supervisor.PoolConfig
	for _, name := range pools {
		configs = append(configs, supervisor.PoolConfig{Name: name, Listen: "unix:/run/" + name + ".sock", Processes: 2, Reload: "rolling",
			MinUptime: time.Second, StartTimeout: time.Hour, StopTimeout: time.Hour, Delay: time.Hour, DelayMax: time.Hour})
		s.rings[name] = logs.NewRing(logs.RingSize)
	}
	c := &crew{orders: make(chan supervisor.Order, 10000)}
	s.supervisor = supervisor.New(configs, c, func(supervisor.Event) {})
	c.report = s.supervisor.Report
	listener, err := control.Listen(s.path, "")
	if err != nil {
		t.Fatal(err)
	}
	s.server = control.NewServer(&control.Backend{Supervisor: s.supervisor, Look: supervisor.NewSight(s.supervisor, eye{}, func() {}, func(*supervisor.Look) {}).Look, Output: func(pool string) *logs.Ring { return s.rings[pool] },
		Version: "1.2.3", ConfigPath: "/etc/x.toml", StartedAt: busySince, Log: slog.New(slog.NewTextHandler(s.log, nil))})
	s.client = control.NewClient(s.path)
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	var running sync.WaitGroup
	running.Go(c.run)
	running.Go(func() { s.supervisor.Run(ctx) })
	running.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		<-s.supervisor.Done()
		s.shutdown()
		close(c.orders)
		running.Wait()
	})
	return s
}

// shutdown must not take long, whoever is connected.
func (s *site) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		s.t.Errorf("shut down: %v", err)
	}
}

// context ends with the test, or when it has taken too long.
func (s *site) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	return ctx
}

// do gives a command that must not be refused.
func (s *site) do(pool string, action supervisor.Action, o control.Options) supervisor.Outcome {
	s.t.Helper()
	outcome, err := s.client.Do(s.context(), pool, action, o, nil)
	if err != nil {
		s.t.Fatalf("%s %s: %v", action, pool, err)
	}
	return outcome
}

// waitRunning waits until the pool has all its workers.
func (s *site) waitRunning(pool string) {
	s.t.Helper()
	if o := s.do(pool, supervisor.ActionStart, control.Options{}); !o.OK {
		s.t.Fatalf("start %s: %s", pool, o.Text)
	}
}

// recorder keeps what is logged. A mutex because the server logs from many
// goroutines.
type recorder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
