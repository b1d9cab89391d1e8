package e2e

// Swap on TCP, where the kernel moves clients from one socket to another. What must
// hold on Unix paths too is tested on both, where it is tested. Not covered: IPv6,
// and [::] for both (package listen).

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fcgi-supervisor/internal/fastcgi"
)

// onBoth runs a test for a pool on a Unix path and for one on TCP.
func onBoth(t *testing.T, test func(t *testing.T, listen string)) {
	t.Parallel()
	for network, listen := range map[string]string{"unix": "", "tcp": "tcp:" + ownAddress()} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			test(t, listen)
		})
	}
}

// There is room for two sockets: the next reload waits until the generation before
// the last has done what it had begun.
func TestReloadsInARowOnTCP(t *testing.T) {
	t.Parallel()
	s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: "tcp:" + ownAddress()})
	f := nginx(t, s.backend(), "")
	before := s.mustStatus()
	slow := make(chan error, 1)
	go func() {
		_, err := f.request(http.MethodGet, "/sleep?ms=1500", nil)
		slow <- err
	}()
	s.waitFor(somebodyIsBusy)
	l := startLoad(t, f, 2)
	s.mustCommand("reload", s.pool)
	select {
	case err := <-slow:
		t.Fatalf("a reload waits for a request that is under way (%v)", err)
	default:
	}
	s.mustCommand("reload", s.pool)
	select {
	case err := <-slow:
		if err != nil {
			t.Errorf("the request under way was cut: %v", err)
		}
	default:
		t.Error("three generations have sockets at one address")
	}
	l.waitAnswered(2)
	l.verdict(f, 0)
	after := s.mustStatus()
	allNew(t, before, after)
	if after.Generation != 3 {
		t.Errorf("generation %d, want 3", after.Generation)
	}
}

// A process that outlives its worker may keep the socket it was born with.
func TestReloadOnTCPWithoutRoom(t *testing.T) {
	t.Parallel()
	program := filepath.Join(publicFolder(t), "app.fcgi")
	deployLine(t, program, "exec 3<&0; setsid --fork sleep 1000; exec "+filepath.Join(workers, "worker-c"))
	s := start(t, pool{command: []string{program}, listen: "tcp:" + ownAddress()})
	f := nginx(t, s.backend(), "")
	l := startLoad(t, f, clients)
	for range 2 {
		before := s.mustStatus()
		l.waitAnswered(clients)
		s.mustCommand("reload", s.pool)
		allNew(t, before, s.mustStatus())
	}
	l.waitAnswered(clients)
	l.verdict(f, 0)
	text, err := os.ReadFile(s.log())
	if err != nil || !strings.Contains(string(text), "workers are replaced one by one, for there is no room for another socket: "+s.listen+" is in use by pid") {
		t.Errorf("it is not said who keeps the socket (%v)", err)
	}
}

// A pool that was reloaded, with connections, can be stopped and started at once.
func TestStartAfterAReloadOnTCP(t *testing.T) {
	t.Parallel()
	s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: "tcp:" + ownAddress(),
		tables: "[@.probe]\npath = \"/\"\ninterval = \"100ms\"\n"})
	f := nginxOn(t, nginxSite{backend: s.backend(), keep: 2})
	for range 3 {
		for range 3 {
			askAtOnce(f, 3)
		}
		s.mustCommand("reload", s.pool)
		askAtOnce(f, 3)
		s.mustCommand("stop", s.pool)
		s.mustCommand("start", s.pool)
		if _, err := f.request(http.MethodGet, "/", nil); err != nil {
			t.Error(err)
		}
	}
}

// Whoever is connected when a pool is stopped is served, though the program drops what
// it has on its stop signal, and new clients come without pause.
func TestStopUnderLoad(t *testing.T) { onBoth(t, stopUnderLoad) }

func stopUnderLoad(t *testing.T, listen string) {
	s := start(t, pool{command: []string{filepath.Join(workers, "worker-go")}, listen: listen})
	network, address, _ := strings.Cut(s.listen, ":")
	d := direct{network: network, address: address}
	var answered atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for {
				err := d.ask(context.Background(), "/sleep?ms=20", nil, -1, "slept")
				if fault := (*fastcgi.Fault)(nil); errors.As(err, &fault) && strings.HasPrefix(fault.What, "connect to") {
					return
				}
				if err != nil {
					t.Errorf("a client that was connected: %v", err)
					return
				}
				answered.Add(1)
			}
		})
	}
	eventually(t, func() error {
		if n := answered.Load(); n < clients {
			return fmt.Errorf("%d requests answered", n)
		}
		return nil
	})
	s.mustCommand("stop", s.pool)
	all.Wait()
	t.Logf("%d requests answered", answered.Load())
}

// The supervisor dies while the generation that was on TCP finishes, and clients are
// on a Unix path by now: which of the two they reach is not what was there first.
func TestCrashBetweenTwoAddresses(t *testing.T) {
	t.Parallel()
	tcp := "tcp:" + ownAddress()
	s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: tcp})
	f := nginx(t, s.backend(), "")
	slow := make(chan error, 1)
	go func() {
		_, err := f.request(http.MethodGet, "/sleep?ms=3000", nil)
		slow <- err
	}()
	s.waitFor(somebodyIsBusy)
	s.edit(func(text string) string { return strings.Replace(text, tcp, "unix:"+s.socket, 1) })
	s.mustCommand("reload", s.pool)
	before := s.mustStatus()
	s.crash()
	s.again()
	after := s.mustStatus()
	if after.Generation != 2 || !maps.Equal(newest(before), newest(after)) {
		t.Errorf("generation %d with workers %v, before it was %d with %v", after.Generation, newest(after), before.Generation, newest(before))
	}
	if o := s.command("request", "unix:"+s.socket, "/"); o.code != 0 {
		t.Errorf("not answered: %s", o.stderr)
	}
	if err := <-slow; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	s.waitRunning()
}

// newest are the ready workers of the generation that clients reach.
func newest(p poolJSON) map[int]int {
	pids := map[int]int{}
	for _, w := range p.Workers {
		if w.Phase == "ready" && w.Generation == p.Generation {
			pids[w.Slot] = w.PID
		}
	}
	return pids
}
