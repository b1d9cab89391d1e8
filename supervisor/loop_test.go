package supervisor

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"fcgi-supervisor/worker"
)

// The loop on virtual time, with processes that are a few lines each. What is
// decided is tested without the loop, in decide_test.go and property_test.go.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stagehand is an Executor whose workers start after boot and live for life.
type stagehand struct {
	boot   time.Duration
	life   time.Duration // 0: until told to end
	broken func(Start) bool

	mu     sync.Mutex // the loop and the workers' goroutines come here
	report func(Fact) bool
	stop   map[ID]chan struct{}
	starts []time.Time
	events []Event
}

func (s *stagehand) Do(o Order) {
	switch o := o.(type) {
	case Bind:
		go s.report(Bound{Pool: o.Pool})
	case Hide:
		go s.report(Hidden{Pool: o.Pool})
	case Unbind:
		go s.report(Unbound(o))
	case Start:
		s.mu.Lock()
		stop := make(chan struct{}, 10)
		s.stop[o.ID] = stop
		s.starts = append(s.starts, time.Now())
		s.mu.Unlock()
		go s.live(o, stop)
	case Stop:
		s.end(o.ID)
	case Kill:
		s.end(o.ID)
	}
}

func (s *stagehand) end(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stop := s.stop[id]; stop != nil {
		stop <- struct{}{}
	}
}

// live is one worker; it ends when it is told to, or its life is over.
func (s *stagehand) live(o Start, stop chan struct{}) {
	s.report(Started{Pool: o.Pool, ID: o.ID, PID: 1000 + int(o.ID), At: time.Now()})
	exit := worker.Exit{}
	if s.broken != nil && s.broken(o) {
		exit = worker.Exit{Code: 1, Output: []string{"no module named app"}}
	} else {
		time.Sleep(s.boot)
		s.report(Ready{Pool: o.Pool, ID: o.ID, At: time.Now()})
		s.wait(stop)
	}
	s.mu.Lock()
	delete(s.stop, o.ID)
	s.mu.Unlock()
	exit.At = time.Now()
	s.report(Exited{Pool: o.Pool, ID: o.ID, Exit: exit})
}

func (s *stagehand) wait(stop chan struct{}) {
	if s.life == 0 {
		<-stop
		return
	}
	select {
	case <-stop:
	case <-time.After(s.life):
	}
}

// play runs a supervisor of one pool under virtual time and ends it.
func play(t *testing.T, hand *stagehand, processes int, scene func(*testing.T, *Supervisor)) {
	synctest.Test(t, func(t *testing.T) {
		hand.stop = map[ID]chan struct{}{}
		s := New([]PoolConfig{testConfig(processes)}, hand, func(e Event) { hand.events = append(hand.events, e) })
		hand.report = s.Report
		ctx, cancel := context.WithCancel(t.Context())
		go s.Run(ctx)
		scene(t, s)
		cancel()
		<-s.Done()
		if state := s.Snapshot().Pools[0].State; state != Stopped {
			t.Errorf("ended in state %s", state)
		}
	})
}

func do(t *testing.T, s *Supervisor, c Command) Outcome {
	t.Helper()
	c.Pool, c.By = "blog", "test"
	o, err := s.Do(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestLoopKeepsWorkersRunning(t *testing.T) {
	hand := &stagehand{boot: 50 * time.Millisecond, life: time.Hour}
	play(t, hand, 3, func(t *testing.T, s *Supervisor) {
		time.Sleep(10*time.Hour + 30*time.Minute)
		p := s.Snapshot().Pools[0]
		if p.State != Running || p.Ready() != 3 || p.Restarts["exit_0"] != 30 {
			t.Errorf("after ten hours: %s, %d ready, restarts %v", p.State, p.Ready(), p.Restarts)
		}
	})
}

func TestLoopBacksOffAndRecovers(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	hand := &stagehand{broken: func(Start) bool { return broken.Load() }}
	play(t, hand, 5, func(t *testing.T, s *Supervisor) {
		time.Sleep(5 * time.Minute)
		p := s.Snapshot().Pools[0]
		if p.State != Backoff || p.LastFailure == nil || p.LastFailure.Output[0] != "no module named app" {
			t.Errorf("state %s, failure %+v", p.State, p.LastFailure)
		}
		broken.Store(false)
		time.Sleep(40 * time.Second)
		if p := s.Snapshot().Pools[0]; p.State != Running || p.Failures != 0 {
			t.Errorf("not recovered: %s", p.State)
		}
	})
}

func TestCommandsTellTheirOutcome(t *testing.T) {
	hand := &stagehand{boot: time.Second}
	play(t, hand, 2, func(t *testing.T, s *Supervisor) {
		for _, c := range []struct {
			command Command
			want    string
		}{
			{Command{Action: ActionStart}, "blog: 2 workers ready in 1s"},
			{Command{Action: ActionStart}, "blog: already running, 2 workers ready"},
			{Command{Action: ActionScale, Processes: 4}, "blog: 4 workers ready in 1s"},
			{Command{Action: ActionScale, Processes: 1}, "blog: 1 worker ready in 0s"},
			{Command{Action: ActionRestart}, "blog: generation 2, 1 worker ready in 1s"},
			{Command{Action: ActionRestart, AllAtOnce: true}, "blog: generation 3, 1 worker ready in 1s"},
			{Command{Action: ActionStop}, "blog: stopped in 0s"},
			{Command{Action: ActionStop}, "blog: already stopped"},
			{Command{Action: ActionScale, Processes: 3}, "blog: stopped; 3 workers when it is started"},
			{Command{Action: ActionRestart}, "blog: 3 workers ready in 1s"},
		} {
			if o := do(t, s, c.command); !o.OK || o.Text != c.want {
				t.Errorf("%s: got %v %q, want %q", c.command.Action, o.OK, o.Text, c.want)
			}
		}
	})
}

func TestFailedCommandsTellWhy(t *testing.T) {
	hand := &stagehand{broken: func(o Start) bool { return o.Generation > 1 }}
	play(t, hand, 2, func(t *testing.T, s *Supervisor) {
		do(t, s, Command{Action: ActionStart})
		o := do(t, s, Command{Action: ActionRestart})
		want := "blog: generation 2 dropped, generation 1 serves on: ended before it was ready: exit code 1 after 0s"
		if o.OK || o.Text != want || len(o.Output) != 1 {
			t.Errorf("got %+v, want %q", o, want)
		}
		o = do(t, s, Command{Action: ActionRestart, AllAtOnce: true})
		if o.OK || !strings.Contains(o.Text, "exit code 1") || len(o.Output) != 1 {
			t.Errorf("all at once: %+v", o)
		}
	})
}

func TestUnknownPoolNamesThoseThereAre(t *testing.T) {
	play(t, &stagehand{}, 1, func(t *testing.T, s *Supervisor) {
		_, err := s.Do(t.Context(), Command{Action: ActionStop, Pool: "shop"}, nil)
		if !errors.Is(err, ErrUnknownPool) || err.Error() != `unknown pool "shop"; there are: blog` {
			t.Errorf("got %v", err)
		}
	})
}

func TestCommandsAtTheSameMomentAreAllAnswered(t *testing.T) {
	play(t, &stagehand{boot: time.Second}, 2, func(t *testing.T, s *Supervisor) {
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				c := Command{Action: ActionRestart, Pool: "blog", By: "test"}
				if i%2 == 1 {
					c = Command{Action: ActionScale, Processes: 2 + i, Pool: "blog", By: "test"}
				}
				if o, err := s.Do(t.Context(), c, nil); err != nil || !o.OK {
					t.Errorf("%s: %+v, %v", c.Action, o, err)
				}
			})
		}
		all.Wait()
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	play(t, &stagehand{boot: time.Hour}, 1, func(t *testing.T, s *Supervisor) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Do(ctx, Command{Action: ActionStart, Pool: "blog", By: "test"}, nil)
		if err == nil || !strings.Contains(err.Error(), "gave up waiting after 1s; it goes on (0 of 1 worker ready, 1 starting)") {
			t.Errorf("got %v", err)
		}
	})
}

func TestEndedLoopTakesNoCommand(t *testing.T) {
	s := New(nil, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Run(ctx)
	if _, err := s.Do(t.Context(), Command{Action: ActionStart, Pool: "blog"}, nil); !errors.Is(err, ErrEnded) {
		t.Errorf("got %v", err)
	}
	if s.Report(Unbound{Pool: "blog"}) {
		t.Error("an ended loop takes facts")
	}
}

func TestEventsAreNumberedAndKept(t *testing.T) {
	hand := &stagehand{life: time.Millisecond}
	play(t, hand, 1, func(t *testing.T, s *Supervisor) {
		time.Sleep(5 * time.Second)
		synctest.Wait() // nothing happens any more at this moment
		events, _ := s.Events(0)
		if len(events) != keptEvents {
			t.Fatalf("%d events kept, want %d", len(events), keptEvents)
		}
		for i, e := range events[1:] {
			if e.Seq != events[i].Seq+1 {
				t.Fatalf("event %d follows %d", e.Seq, events[i].Seq)
			}
		}
		last := events[len(events)-1].Seq
		if later, _ := s.Events(last); len(later) != 0 {
			t.Fatalf("%d events after the last", len(later))
		}
		_, more := s.Events(last)
		<-more // closed by the next publication
		if later, _ := s.Events(last); len(later) == 0 {
			t.Fatal("no events when there should be more")
		}
	})
}

// Who asks what is to be written down does not make it change, else an idle
// supervisor would write for ever.
func TestRememberingPublishesNothing(t *testing.T) {
	play(t, &stagehand{boot: time.Millisecond}, 3, func(t *testing.T, s *Supervisor) {
		time.Sleep(time.Second) // virtual
		synctest.Wait()
		before, _ := s.View()
		for range 3 {
			m, alive := s.Remember()
			if !alive || len(m.Pools) != 1 || len(m.Pools[0].Workers) != 3 {
				t.Fatalf("remembered %+v", m)
			}
		}
		synctest.Wait()
		if after, _ := s.View(); after != before {
			t.Errorf("%d pictures were published for three questions", after-before)
		}
	})
}
