package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
)

// Health, the other pages, what is refused. Not covered here: real workers that
// hang (the end-to-end tests).

func TestLivezAsksTheLoop(t *testing.T) {
	s := serve(t, "blog")
	if status, text := s.get("/livez"); status != 200 || text != "ok\n" {
		t.Errorf("%d %q", status, text)
	}
}

// TestLivezOfAStuckLoop: a loop that nobody runs is as stuck as one can be.
func TestLivezOfAStuckLoop(t *testing.T) {
	stuck := supervisor.New(nil, nil, nil)
	at := config.HTTP{Listen: listen.Address{Kind: listen.Unix, Path: t.TempDir() + "/http.sock"}}
	server, err := Open(at, Backend{Supervisor: stuck, Metrics: http.NotFoundHandler()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close(context.Background())
	s := &site{t: t, at: at, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}}
	s.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial() }
	begin := time.Now()
	status, text := s.get("/livez")
	if status != 503 || !strings.Contains(text, "the loop does not answer") || time.Since(begin) > 5*time.Second {
		t.Errorf("%d %q after %v", status, text, time.Since(begin))
	}
}

func TestReadyz(t *testing.T) {
	for _, c := range []struct {
		name     string
		snapshot supervisor.Snapshot
		ready    bool
		verbose  string
		seen     []control.Pool
	}{
		{"one ready worker is enough", supervisor.Snapshot{Pools: []*supervisor.PoolStatus{pool(supervisor.Starting, 3, 1, false)}}, true,
			"[+] blog: starting, 1 of 3 workers ready\nok\n", nil},
		{"none is not", supervisor.Snapshot{Pools: []*supervisor.PoolStatus{pool(supervisor.Backoff, 3, 0, false)}}, false,
			"[-] blog: backoff, 0 of 3 workers ready\nnot ready\n", nil},
		{"busy workers are ready ones", supervisor.Snapshot{Pools: []*supervisor.PoolStatus{pool(supervisor.Running, 1, 1, false)}}, true,
			"[+] blog: running, 1 of 1 workers ready, all busy, 4 connections in the queue, which is full\nok\n",
			[]control.Pool{{Name: "other"}, {Name: "blog", Ready: 1, Queue: of(4), Backlog: of(4), Workers: []control.Worker{{Phase: "ready", Busy: of(true)}}}}},
		{"unhealthy", supervisor.Snapshot{Pools: []*supervisor.PoolStatus{pool(supervisor.Running, 3, 3, true)}}, false,
			"[-] blog: running, 3 of 3 workers ready, the probe fails\nnot ready\n", nil},
		{"a pool that was stopped is not wanted", supervisor.Snapshot{Pools: []*supervisor.PoolStatus{pool(supervisor.Stopped, 0, 0, false)}}, true,
			"[+] blog: stopped\nok\n", nil},
		{"nobody is wanted when all is stopped", supervisor.Snapshot{Ending: true}, false, "not ready: the supervisor is stopping\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, ready := readiness(&c.snapshot, &control.Status{Pools: c.seen})
			if ready != c.ready || text != c.verbose {
				t.Errorf("%v %q, want %v %q", ready, text, c.ready, c.verbose)
			}
			if short, _ := readiness(&c.snapshot, nil); strings.Contains(short, "blog") {
				t.Errorf("%q names a pool without being asked", short)
			}
		})
	}
}

func of[T any](value T) *T { return &value }

func pool(state supervisor.State, wanted, ready int, unhealthy bool) *supervisor.PoolStatus {
	p := &supervisor.PoolStatus{Name: "blog", State: state, Wanted: wanted, Unhealthy: unhealthy}
	for range ready {
		p.Workers = append(p.Workers, &supervisor.WorkerStatus{Phase: supervisor.PhaseReady})
	}
	return p
}

func TestReadyzOverHTTP(t *testing.T) {
	s := serve(t, "blog", "broken")
	s.settled(supervisor.Running, "blog")
	s.settled(supervisor.Backoff, "broken")
	status, text := s.get("/readyz?verbose")
	want := "[+] blog: running, 2 of 2 workers ready, 3 connections in the queue\n" +
		"[-] broken: backoff, 0 of 2 workers ready, 3 connections in the queue\nnot ready\n"
	if status != 503 || text != want {
		t.Errorf("%d %q, want 503 %q", status, text, want)
	}
}

// TestNothingIsChangedOverHTTP: what the control socket does for its owner is not
// there for others.
func TestNothingIsChangedOverHTTP(t *testing.T) {
	s := serve(t, "blog")
	s.settled(supervisor.Running, "blog")
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"POST", "/api/v1/pools/blog/stop", 404},
		{"POST", "/api/v1/pools", 405},
		{"DELETE", "/api/v1/pools", 405},
		{"PUT", "/", 405},
		{"OPTIONS", "/metrics", 405},
		{"TRACE", "/livez", 405},
		{"GET", "/api/v1/events", 404},
		{"GET", "/api/v1/logs", 404},
		{"GET", "/assets/", 404},
		{"GET", "/assets/..%2fpage.html", 404},
		{"GET", "/../../etc/passwd", 404},
		{"GET", "/debug/pprof/", 404},
		{"HEAD", "/livez", 200},
	} {
		request, err := http.NewRequest(c.method, "http://supervisor"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := s.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, answer.StatusCode, c.status)
		}
		if server := answer.Header.Get("Server"); server != "" {
			t.Errorf("%s %s tells what we are: %s", c.method, c.path, server)
		}
	}
	if state := s.supervisor.Snapshot().Pool("blog").State; state != supervisor.Running {
		t.Errorf("the pool is %s", state)
	}
}

func TestPoolsAreThoseOfStatus(t *testing.T) {
	s := serve(t, "blog")
	s.settled(supervisor.Running, "blog")
	status, text := s.get("/api/v1/pools")
	if status != 200 || !strings.Contains(text, `"name":"blog","state":"running"`) || !strings.Contains(text, `"queue":3`) {
		t.Errorf("%d %s", status, text)
	}
}
