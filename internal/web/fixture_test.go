package web

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// patience bounds every wait; it is reached only by a test that fails.
const patience = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// crew carries out the loop's orders by saying that they are done: workers of the
// pool "broken" end at once, all others are ready at once.
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
			c.report(supervisor.Started{Pool: o.Pool, ID: o.ID, PID: 1000 + int(o.ID), StartTicks: 1, At: time.Now()})
			if o.Pool == "broken" {
				c.report(supervisor.Exited{Pool: o.Pool, ID: o.ID, Exit: worker.Exit{At: time.Now(), Code: 3, Output: []string{"no <module> named \x1b[31mapp"}}})
			} else {
				c.report(supervisor.Ready{Pool: o.Pool, ID: o.ID, At: time.Now()})
			}
		case supervisor.Stop:
			c.report(supervisor.Exited{Pool: o.Pool, ID: o.ID, Exit: worker.Exit{At: time.Now(), Lived: time.Second}})
		case supervisor.Kill:
			c.report(supervisor.Exited{Pool: o.Pool, ID: o.ID, Exit: worker.Exit{At: time.Now(), Signal: 9}})
		}
	}
}

// eye sees a queue of 3, and that all workers of "full" are busy and no others.
type eye struct{}

func (eye) Observe(s *supervisor.Snapshot) *supervisor.Observation {
	queue, backlog := 3, 4096
	o := &supervisor.Observation{Pools: map[string]supervisor.PoolFigures{}, Workers: map[supervisor.ID]supervisor.WorkerFigures{}}
	for _, p := range s.Pools {
		o.Pools[p.Name] = supervisor.PoolFigures{Queue: &queue, Backlog: &backlog}
		for _, w := range p.Workers {
			full := p.Name == "full"
			o.Workers[w.ID] = supervisor.WorkerFigures{Busy: &full, BusySince: s.At.Add(-5 * time.Second)}
		}
	}
	return o
}

// site is a supervisor that answers HTTP on a Unix socket.
type site struct {
	t          *testing.T
	supervisor *supervisor.Supervisor
	backend    Backend
	server     *Server
	client     *http.Client
	at         config.HTTP
	stop       func() // the supervisor; more than once is all right
}

func serve(t *testing.T, pools ...string) *site {
	t.Helper()
	s := &site{t: t, at: config.HTTP{Listen: listen.Address{Kind: listen.Unix, Path: t.TempDir() + "/http.sock"}}}
	s.begin(pools)
	server, err := Open(s.at, s.backend, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial() }}
	s.client = &http.Client{Transport: transport, Timeout: patience}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		server.Close(ctx)
	})
	return s
}

// begin runs the supervisor.
func (s *site) begin(pools []string) {
	var configs []supervisor.PoolConfig
	for _, name := range pools {
		configs = append(configs, supervisor.PoolConfig{Name: name, Listen: "unix:/run/" + name + ".sock", Processes: 2, Reload: "rolling",
			StartTimeout: time.Hour, StopTimeout: time.Hour, Delay: time.Hour, DelayMax: time.Hour})
	}
	c := &crew{orders: make(chan supervisor.Order, 10000)}
	history := NewHistory()
	s.supervisor = supervisor.New(configs, c, history.Note)
	c.report = s.supervisor.Report
	b := &control.Backend{Supervisor: s.supervisor, Look: supervisor.NewSight(s.supervisor, eye{}, func() {}, history.Seen).Look, StartedAt: time.Now()}
	s.backend = Backend{Supervisor: s.supervisor, Status: b.Status, History: history,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics\n") })}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(c.run)
	running.Go(func() { s.supervisor.Run(ctx) })
	s.stop = sync.OnceFunc(func() {
		cancel()
		<-s.supervisor.Done()
		close(c.orders)
		running.Wait()
	})
	s.t.Cleanup(s.stop)
}

func (s *site) dial() (net.Conn, error) { return net.Dial("unix", s.at.Listen.Path) }

// get returns the status and the body of an answer.
func (s *site) get(path string) (int, string) {
	s.t.Helper()
	answer, err := s.client.Get("http://supervisor" + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// settled waits until the loop has nothing more to do at once.
func (s *site) settled(state supervisor.State, pool string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		_, changed := s.supervisor.Events(0)
		if s.supervisor.Snapshot().Pool(pool).State == state {
			return
		}
		select {
		case <-changed:
		case <-time.After(time.Until(deadline)):
			s.t.Fatalf("%s is %s, want %s", pool, s.supervisor.Snapshot().Pool(pool).State, state)
		}
	}
}
