package control_test

// Status, events and logs over a real socket. Not covered: how they look, which
// is the commands' business.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/supervisor"
)

func TestStatus(t *testing.T) {
	s := serve(t, "blog", "broken")
	s.waitRunning("blog")
	s.do("broken", supervisor.ActionStart, control.Options{})
	status, err := s.client.Status(s.context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if v := status.Supervisor; v.Version != "1.2.3" || v.Config != "/etc/x.toml" || !v.StartedAt.Equal(busySince) || v.PID == 0 {
		t.Errorf("supervisor: %+v", v)
	}
	if len(status.Pools) != 2 {
		t.Fatalf("%d pools", len(status.Pools))
	}
	blog, broken := status.Pools[0], status.Pools[1]
	if blog.State != "running" || !blog.Healthy || blog.Ready != 2 || *blog.Queue != 2 || blog.Connections != nil || blog.BackoffUntil != nil {
		t.Errorf("blog: %+v", blog)
	}
	if w := blog.Workers[0]; w.Slot != 0 || w.Busy != nil || w.RSSBytes != nil || w.PID == nil || *w.Restarts != 0 || w.LastExit != nil {
		t.Errorf("worker 0: %+v", w)
	}
	if w := blog.Workers[1]; w.Slot != 1 || !*w.Busy || !w.BusySince.Equal(busySince) || *w.RSSBytes != 12<<20 || w.ReadyAt == nil {
		t.Errorf("worker 1: %+v", w)
	}
	if broken.State != "backoff" || broken.Healthy || broken.BackoffUntil == nil || broken.LastFailure == nil ||
		fmt.Sprint(broken.LastFailure.Output) != "[no such module]" || len(broken.Slots) != 2 || broken.Exits["exit_nonzero"] == 0 {
		t.Errorf("broken: %+v", broken)
	}
	if e := broken.Slots[*broken.LastFailure.Slot].LastExit; e == nil || e.Reason != "exit_nonzero" || e.Text != "exit code 3 after 1ms" {
		t.Errorf("last exit: %+v", e)
	}
	one, err := s.client.Status(s.context(), "broken")
	if err != nil || len(one.Pools) != 1 || one.Pools[0].Name != "broken" {
		t.Errorf("status of one: %+v, %v", one, err)
	}
	if _, err := s.client.Status(s.context(), "a/b"); err == nil || !strings.Contains(err.Error(), `unknown pool "a/b"`) {
		t.Errorf("unknown pool: %v", err)
	}
}

// TestStatusNulls looks at the very words: what is not known is null, lists are
// never null.
func TestStatusNulls(t *testing.T) {
	s := serve(t, "shop")
	s.waitRunning("shop")
	_, body := s.raw("GET", "pools", "")
	var status struct{ Pools []map[string]any }
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		t.Fatal(err)
	}
	pool := status.Pools[0]
	for _, key := range []string{"queue", "backlog", "connections", "backoff_until", "last_reload", "last_failure"} {
		if value, there := pool[key]; !there || value != nil {
			t.Errorf("%s is %v, want null", key, value)
		}
	}
	worker := pool["workers"].([]any)[0].(map[string]any)
	for _, key := range []string{"busy", "busy_since", "rss_bytes", "cpu_seconds", "fds", "threads", "last_exit"} {
		if value, there := worker[key]; !there || value != nil {
			t.Errorf("worker's %s is %v, want null", key, value)
		}
	}
	s.do("shop", supervisor.ActionStop, control.Options{})
	if _, body := s.raw("GET", "pools", ""); !strings.Contains(body, `"workers":[]`) {
		t.Errorf("workers of a stopped pool: %s", body)
	}
}

func TestEvents(t *testing.T) {
	s := serve(t, "blog", "shop")
	s.waitRunning("blog")
	s.waitRunning("shop")
	ask := func(q control.Query) []control.Event {
		t.Helper()
		var events []control.Event
		if err := s.client.Events(s.context(), q, func(e control.Event) error { events = append(events, e); return nil }); err != nil {
			t.Fatal(err)
		}
		return events
	}
	all := ask(control.Query{Last: -1})
	for i, e := range all {
		if e.Seq != uint64(i+1) || e.Pool == "" || e.Kind == "" || e.Text == "" || e.At.IsZero() {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	last := ask(control.Query{Last: 2})
	if len(last) != 2 || last[1].Seq != all[len(all)-1].Seq {
		t.Errorf("the last two: %+v", last)
	}
	if later := ask(control.Query{Last: -1, After: 3}); len(later) != len(all)-3 || later[0].Seq != 4 {
		t.Errorf("after 3: %+v", later)
	}
	for _, e := range ask(control.Query{Last: -1, Pool: "shop"}) {
		if e.Pool != "shop" {
			t.Errorf("asked for shop: %+v", e)
		}
		if e.Kind == "started" && (e.Slot == nil || e.PID == nil) || e.Kind == "bound" && (e.Slot != nil || e.PID != nil) {
			t.Errorf("slot and pid: %+v", e)
		}
	}
}

// TestEventFollowersEndWithTheSupervisor wants every event until the end, and a
// clean end.
func TestEventFollowersEndWithTheSupervisor(t *testing.T) {
	s := serve(t, "blog")
	s.waitRunning("blog")
	var kinds []string
	err := s.client.Events(s.context(), control.Query{Last: 1, Follow: true}, func(e control.Event) error {
		if len(kinds) == 0 {
			s.end() // the past is told; the rest is to come
		}
		kinds = append(kinds, e.Kind)
		return nil
	})
	if err != nil || kinds[len(kinds)-1] != "unbound" || !slices.Contains(kinds, "stopped") {
		t.Errorf("followed %q, %v; want all up to unbound", kinds, err)
	}
}

func (s *site) write(pool string, slot int, at time.Time, lines string) {
	s.rings[pool].Add(logs.Block{At: at, Pool: pool, Slot: slot, PID: 4711, Bytes: []byte(lines)})
}

func TestLogs(t *testing.T) {
	s := serve(t, "blog", "shop")
	at := busySince
	s.write("blog", 0, at, "one\nthree\n")
	s.write("blog", 1, at.Add(2*time.Second), "bad \xff\xfe\n")
	s.write("shop", 0, at.Add(time.Second), "of the shop\n")
	for _, c := range []struct {
		query control.Query
		want  string
	}{
		{control.Query{Last: -1}, `["one" "three" "of the shop" "bad \xff\xfe"]`},
		{control.Query{Last: 2}, `["of the shop" "bad \xff\xfe"]`},
		{control.Query{Last: 0}, `[]`},
		{control.Query{Last: 9, Pool: "blog"}, `["one" "three" "bad \xff\xfe"]`},
	} {
		lines := []string{}
		err := s.client.Logs(s.context(), c.query, func(l control.LogLine) error {
			lines = append(lines, string(l.Bytes()))
			if l.PID != 4711 || l.Missed != 0 || l.At.IsZero() {
				t.Errorf("line: %+v", l)
			}
			return nil
		})
		if got := fmt.Sprintf("%q", lines); err != nil || got != c.want {
			t.Errorf("%+v: %s, %v; want %s", c.query, got, err, c.want)
		}
	}
}

func TestLogFollowersGetEverythingUntilTheEnd(t *testing.T) {
	s := serve(t, "blog", "shop")
	s.write("blog", 0, busySince, "begin\n")
	want := []string{"begin", "of the shop", "\xff", "the end"}
	var lines []string
	err := s.client.Logs(s.context(), control.Query{Last: 1, Follow: true}, func(l control.LogLine) error {
		lines = append(lines, string(l.Bytes()))
		switch len(lines) { // each is written when the one before has arrived
		case 1:
			s.write("shop", 0, busySince, "of the shop\n")
		case 2:
			s.write("blog", 0, busySince, "\xff\n")
		case 3:
			s.write("blog", 0, busySince, "the end\n")
			s.end()
		}
		return nil
	})
	if err != nil || !slices.Equal(lines, want) {
		t.Errorf("followed %q, %v; want %q", lines, err, want)
	}
}

// TestFollowerWhoMissesLines writes more than the ring holds between two reads.
func TestFollowerWhoMissesLines(t *testing.T) {
	s := serve(t, "blog")
	s.write("blog", 0, busySince, "first\n")
	flood := strings.Repeat("x\n", logs.RingSize)
	stop := errors.New("seen enough")
	var missed, total uint64
	err := s.client.Logs(s.context(), control.Query{Last: -1, Follow: true}, func(l control.LogLine) error {
		if string(l.Bytes()) == "first" {
			s.write("blog", 0, busySince, flood)
			return nil
		}
		if total++; l.Missed > 0 {
			missed = l.Missed
		}
		if l.Seq == 1+logs.RingSize {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || missed == 0 || missed+total != logs.RingSize {
		t.Errorf("missed %d and got %d of %d lines, %v", missed, total, logs.RingSize, err)
	}
}

// TestShutdownWithFollowerThatDoesNotRead must end although the follower's socket
// is full.
func TestShutdownWithFollowerThatDoesNotRead(t *testing.T) {
	s := serve(t, "blog")
	conn, err := net.Dial("unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	long := strings.Repeat("y", 1000) + "\n"
	s.write("blog", 0, busySince, strings.Repeat(long, 100))
	fmt.Fprint(conn, "GET /api/v1/logs?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	for range 50 {
		s.write("blog", 0, busySince, strings.Repeat(long, 100))
	}
	s.shutdown()
}

func TestFollowerWhoGoesAway(t *testing.T) {
	s := serve(t, "blog")
	s.waitRunning("blog")
	ctx, cancel := context.WithCancel(s.context())
	err := s.client.Events(ctx, control.Query{Last: 1, Follow: true}, func(control.Event) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	s.shutdown() // waits for the handler
}
