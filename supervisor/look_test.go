package supervisor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A sign of life from the loop itself, and looks. Not covered: the observer, which
// is the executor's.

func TestPing(t *testing.T) {
	play(t, &stagehand{life: time.Hour}, 1, func(t *testing.T, s *Supervisor) {
		synctest.Wait()
		before, _ := s.View()
		for range 3 {
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if after, _ := s.View(); after != before {
			t.Errorf("%d pictures were published for three questions: they would be written down, and sent to who watches", after-before)
		}
	})
}

func TestPingOfALoopThatIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil, nil, nil) // nobody runs it
		for range 2 * batch {   // also when its inbox is full
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := s.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			cancel()
		}
	})
}

func TestPingOfALoopThatHasEnded(t *testing.T) {
	s := New(nil, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Run(ctx)
	if err := s.Ping(t.Context()); !errors.Is(err, ErrEnded) {
		t.Errorf("got %v", err)
	}
	if !s.Snapshot().Ending {
		t.Error("the last picture does not say that it ends")
	}
}

// witness remembers who was asked, in what order.
type witness struct{ said []string }

func (w *witness) Observe(*Snapshot) *Observation {
	w.said = append(w.said, "observed")
	return &Observation{}
}

// TestNothingIsToldBeforeItIsKept: a counter that was told and is forgotten would go
// back. Lines are counted by the observer, so it comes first.
func TestNothingIsToldBeforeItIsKept(t *testing.T) {
	play(t, &stagehand{life: time.Hour}, 1, func(t *testing.T, s *Supervisor) {
		var w witness
		note := func(text string) { w.said = append(w.said, text) }
		NewSight(s, &w, func() { note("kept") }, func(*Look) { note("told") }).Look()
		if got := strings.Join(w.said, ", "); got != "observed, kept, told" {
			t.Error(got)
		}
	})
}

// glance sees that every second ready worker is busy, and of the last nothing.
type glance struct{ unknown bool }

func (g glance) Observe(s *Snapshot) *Observation {
	o := &Observation{Workers: map[ID]WorkerFigures{}}
	for _, p := range s.Pools {
		for i, w := range p.Workers {
			busy := i%2 == 0
			o.Workers[w.ID] = WorkerFigures{Busy: &busy}
			if g.unknown && i == len(p.Workers)-1 {
				o.Workers[w.ID] = WorkerFigures{}
			}
		}
	}
	return o
}

func TestBusyIsKnownOfAllOrOfNone(t *testing.T) {
	play(t, &stagehand{life: time.Hour}, 3, func(t *testing.T, s *Supervisor) {
		time.Sleep(time.Minute)
		noted := 0
		look := NewSight(s, glance{}, func() {}, func(*Look) { noted++ }).Look()
		if busy, known := look.Busy(look.Snapshot.Pools[0]); busy != 2 || !known || noted != 1 {
			t.Errorf("%d busy (%v), noted %d times; want 2, known, noted once", busy, known, noted)
		}
		if !look.At.Equal(time.Now()) {
			t.Errorf("the look says it was at %v; it is %v", look.At, time.Now())
		}
		look = NewSight(s, glance{unknown: true}, func() {}, func(*Look) {}).Look()
		if _, known := look.Busy(look.Snapshot.Pools[0]); known {
			t.Error("known, though the kernel does not tell of one worker")
		}
	})
}
