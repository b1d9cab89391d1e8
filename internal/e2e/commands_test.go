package e2e

// The commands that change a pool, on C workers. The rolling restart under load
// and reloads are in kinds_test.go. Not covered: upgrade, doctor, which have their own files.

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func startC(t *testing.T) *supervisor {
	t.Helper()
	return start(t, pool{command: []string{filepath.Join(workers, "worker-c")}})
}

func TestRestartAllAtOnce(t *testing.T) {
	t.Parallel()
	s := startC(t)
	before := s.mustStatus()
	was := inode(t, s.socket)
	s.mustCommand("restart", "--all-at-once", s.pool)
	after := s.mustStatus()
	if err := running(after); err != nil {
		t.Error(err)
	}
	allNew(t, before, after)
	if is := inode(t, s.socket); !os.SameFile(was, is) {
		t.Error("the socket was bound anew")
	}
}

func inode(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// allNew wants another pid in every slot, and a younger generation.
func allNew(t *testing.T, before, after poolJSON) {
	t.Helper()
	old := before.ready()
	for slot, pid := range after.ready() {
		if old[slot] == pid {
			t.Errorf("slot %d kept pid %d over a restart", slot, pid)
		}
	}
	if after.Generation <= before.Generation {
		t.Errorf("generation was %d, is %d", before.Generation, after.Generation)
	}
}

// deployLine replaces a program by a script of one line, at once.
func deployLine(t *testing.T, program, line string) {
	t.Helper()
	if err := os.WriteFile(program+".new", []byte("#!/bin/sh\n"+line+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(program+".new", program); err != nil {
		t.Fatal(err)
	}
}

// A deploy that is broken: the old generation serves on, the reason is told, and
// the next deploy that is whole heals it.
func TestReloadOfABrokenProgram(t *testing.T) {
	t.Parallel()
	program := filepath.Join(publicFolder(t), "app.fcgi")
	deploy := func(line string) {
		t.Helper()
		deployLine(t, program, line)
	}
	whole := "exec " + filepath.Join(workers, "worker-c")
	deploy(whole)
	s := start(t, pool{command: []string{program}})
	before := s.mustStatus()
	deploy("echo 'ImportError: No module named yourapplication' >&2; exit 3")
	o := s.command("reload", s.pool)
	for _, want := range []string{"generation 2 dropped, generation 1 serves on", "exit code 3", "ImportError: No module named yourapplication"} {
		if o.code != 1 || !strings.Contains(o.stderr, want) {
			t.Errorf("reload: exit code %d, %q; want 1 and %q", o.code, o.stderr, want)
		}
	}
	s.waitRunning() // the rest of the candidate goes in its own time
	after := s.mustStatus()
	for slot, pid := range before.ready() {
		if after.ready()[slot] != pid {
			t.Errorf("slot %d: a broken deploy has cost worker %d", slot, pid)
		}
	}
	deploy(whole)
	s.mustCommand("reload", s.pool)
	allNew(t, before, s.mustStatus())
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	s := startC(t)
	s.mustCommand("stop", s.pool)
	if p := s.mustStatus(); p.State != "stopped" || len(p.Workers) != 0 {
		t.Errorf("after stop: %s, %v", p.State, p.Workers)
	}
	if left := s.poolProcesses(); len(left) > 0 {
		t.Errorf("after stop: processes %v", left)
	}
	if _, err := os.Lstat(s.socket); !os.IsNotExist(err) {
		t.Errorf("after stop the socket is still there (%v)", err)
	}
	s.mustCommand("upgrade")
	if _, err := os.Lstat(s.socket); !os.IsNotExist(err) {
		t.Errorf("after stop and upgrade there is a socket again (%v)", err)
	}
	s.mustCommand("start", "--all")
	if err := running(s.mustStatus()); err != nil {
		t.Error(err)
	}
	if err := connect(s.socket); err != nil {
		t.Error(err)
	}
}

func TestScale(t *testing.T) {
	t.Parallel()
	s := startC(t)
	five := s.mustStatus().ready()
	for _, n := range []int{8, 2} {
		s.mustCommand("scale", s.pool, strconv.Itoa(n))
		p := s.mustStatus()
		if err := running(p); err != nil || p.Wanted != n {
			t.Errorf("after scale %d: %d wanted, %v", n, p.Wanted, err)
		}
		for slot, pid := range p.ready() {
			if was, ok := five[slot]; ok && was != pid {
				t.Errorf("scale %d touched slot %d: pid %d became %d", n, slot, was, pid)
			}
		}
	}
	if n := len(s.poolProcesses()); n != 2 {
		t.Errorf("%d processes after scale 2", n)
	}
}

// TestAtTheSameMoment gives ten commands at once: each is carried out, and what
// is left is one of the sizes asked for.
func TestAtTheSameMoment(t *testing.T) {
	t.Parallel()
	s := startC(t)
	var done sync.WaitGroup
	for i := range 10 {
		done.Go(func() {
			args := []string{"scale", s.pool, strconv.Itoa(2 + i)}
			if i%2 == 1 {
				args = []string{"restart", s.pool}
			}
			if o := s.command(args...); o.code != 0 {
				t.Errorf("%v: exit %d, %s%s", args, o.code, o.stdout, o.stderr)
			}
		})
	}
	done.Wait()
	p := s.mustStatus()
	if err := running(p); err != nil || p.Wanted%2 != 0 || p.Wanted < 2 || p.Wanted > 10 {
		t.Errorf("%d wanted, want one of 2, 4, ... 10; %v", p.Wanted, err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := startC(t)
	if text := s.mustCommand("status"); !strings.Contains(text, s.pool) || !strings.Contains(text, "running") {
		t.Errorf("status says:\n%s", text)
	}
	var status statusJSON
	if err := json.Unmarshal([]byte(s.mustCommand("status", "--output", "json")), &status); err != nil {
		t.Fatal(err)
	}
	if pid := status.Supervisor.PID; pid != s.cmd.Process.Pid || status.Supervisor.StartedAt.IsZero() {
		t.Errorf("supervisor: %+v, want pid %d", status.Supervisor, s.cmd.Process.Pid)
	}
	if len(status.Pools) != 1 {
		t.Fatalf("pools: %+v", status.Pools)
	}
	p := status.Pools[0]
	if p.Listen != "unix:"+s.socket || p.Generation != 1 || !known(p.Queue, 0) || p.Backlog == nil || *p.Backlog == 0 || !known(p.Connections, 0) {
		t.Errorf("pool: %+v", p)
	}
	for _, w := range p.Workers {
		if w.Busy == nil || *w.Busy || w.RSSBytes == nil || *w.RSSBytes == 0 || w.FDs == nil || *w.FDs < 3 || w.StartedAt == nil {
			t.Errorf("worker: %+v", w)
		}
	}
}

func known(n *int, want int) bool { return n != nil && *n == want }

func TestCommandsThatFail(t *testing.T) {
	t.Parallel()
	s := startC(t)
	if o := s.command("restart", "nothing-of-that-name"); o.code != 1 || !strings.Contains(o.stderr, s.pool) {
		t.Errorf("unknown pool: exit %d, %q; want 1 and the names there are", o.code, o.stderr)
	}
	if o := s.command("scale", s.pool, "many"); o.code != 2 {
		t.Errorf("scale many: exit %d, %q; want 2", o.code, o.stderr)
	}
	if o := runCommand(binary, "status", "--control", s.folder+"/nobody.sock"); o.code != 3 {
		t.Errorf("status of nobody: exit %d, %q; want 3", o.code, o.stderr)
	}
}

func somebodyIsBusy(p poolJSON) error {
	if slices.ContainsFunc(p.Workers, func(w workerJSON) bool { return w.Busy != nil && *w.Busy && w.Phase == "ready" }) {
		return nil
	}
	return errors.New("nobody is busy")
}

// Kept connections pin an old generation only until they are seen at rest; one in
// which something is going on is never cut.
func TestReloadWithKeptConnections(t *testing.T) { onBoth(t, reloadWithKeptConnections) }

func reloadWithKeptConnections(t *testing.T, listen string) {
	s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: listen})
	f := nginxOn(t, nginxSite{backend: s.backend(), keep: 3}) // fewer than workers: a kept one owns its worker
	for range 3 {
		askAtOnce(f, 3)
	}
	before := s.mustStatus()
	if before.Connections == nil || *before.Connections == 0 {
		t.Fatal("nginx keeps no connection")
	}
	slow := make(chan error)
	go func() {
		_, err := f.request(http.MethodGet, "/sleep?ms=2500", nil)
		slow <- err
	}()
	s.waitFor(somebodyIsBusy)
	s.mustCommand("reload", s.pool)
	s.waitRunning() // the old generation is gone, long before drain_timeout
	if err := <-slow; err != nil {
		t.Errorf("the request under way was cut: %v", err)
	}
	for range 10 {
		if _, err := f.request(http.MethodGet, "/", nil); err != nil {
			t.Errorf("after the reload: %v", err)
		}
	}
	allNew(t, before, s.mustStatus())
}

// A deploy that boots and then answers with errors is told by the probe, before
// any client meets it; so is a pool that goes bad while it serves.
func TestProbe(t *testing.T) { onBoth(t, probed) }

func probed(t *testing.T, listen string) {
	program := filepath.Join(publicFolder(t), "app.fcgi")
	deploy := func(argument string) {
		t.Helper()
		deployLine(t, program, "exec "+filepath.Join(workers, "worker-c")+" "+argument)
	}
	deploy("")
	s := start(t, pool{command: []string{program}, listen: listen, tables: "[@.probe]\npath = \"/\"\ninterval = \"100ms\"\n"})
	f := nginx(t, s.backend(), "")
	l := startLoad(t, f, clients)
	l.waitAnswered(clients)
	deploy("--broken")
	o := s.command("reload", s.pool)
	l.waitAnswered(clients)
	l.verdict(f, 0)
	if o.code != 1 || !strings.Contains(o.stderr, "the probe failed: / was answered with status 500") {
		t.Errorf("reload of a program that answers 500: exit code %d, %s", o.code, o.stderr)
	}
	if p := s.mustStatus(); p.Generation != 1 || !p.Healthy {
		t.Errorf("generation %d, healthy %v, want the first one and healthy", p.Generation, p.Healthy)
	}
	s.mustCommand("restart", "--all-at-once", s.pool) // nobody asks the probe here
	eventually(t, func() error {
		if p := s.mustStatus(); p.Healthy {
			return errors.New("a pool that answers 500 is healthy")
		}
		return nil
	})
	deploy("")
	s.mustCommand("reload", s.pool)
	eventually(t, func() error {
		if p := s.mustStatus(); !p.Healthy {
			return errors.New("a pool that answers 200 is unhealthy")
		}
		return nil
	})
}

// A pool whose workers hang is unhealthy, though the probe itself waits in the queue;
// one that other clients wait for is only saturated.
func TestProbeOfAPoolThatHangs(t *testing.T) {
	t.Parallel()
	for network, listen := range map[string]string{"unix": "", "tcp": "tcp:" + ownAddress()} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: listen, processes: 2,
				tables: "[@.probe]\npath = \"/\"\ninterval = \"100ms\"\ntimeout = \"300ms\"\nfailures = 2\n"})
			all := s.mustStatus().ready()
			signal := func(sig syscall.Signal) {
				for _, pid := range all {
					syscall.Kill(pid, sig)
				}
			}
			defer signal(syscall.SIGCONT)
			healthy := func(want bool) {
				t.Helper()
				s.waitFor(func(p poolJSON) error {
					if p.Healthy != want {
						return fmt.Errorf("healthy: %v, last probe %+v", p.Healthy, p.LastProbe)
					}
					return nil
				})
			}
			signal(syscall.SIGSTOP)
			healthy(false)
			if p := s.mustStatus(); p.Queue == nil || *p.Queue > 2 {
				t.Errorf("the probes fill the queue: %v", *p.Queue)
			}
			signal(syscall.SIGCONT)
			healthy(true)

			signal(syscall.SIGSTOP)
			// More than workers: each of them may still accept one before it stands still.
			s.connects(3, network, cmp.Or(strings.TrimPrefix(listen, "tcp:"), s.socket))
			seen := map[time.Time]bool{}
			s.waitFor(func(p poolJSON) error {
				if p.LastProbe != nil && p.LastProbe.Saturated {
					seen[p.LastProbe.At] = true
				}
				if !p.Healthy {
					t.Fatalf("a saturated pool is unhealthy: %+v", p.LastProbe)
				}
				if len(seen) < 3 {
					return fmt.Errorf("%d probes found it saturated", len(seen))
				}
				return nil
			})
		})
	}
}

// Whatever is wrong with a new program, the old one serves on, whole.
func TestBrokenCandidates(t *testing.T) {
	t.Parallel()
	whole := "exec " + filepath.Join(workers, "worker-c")
	for fault, c := range map[string]struct{ line, why string }{
		"exits":              {"echo 'no module named app' >&2; exit 1", "no module named app"},
		"never accepts":      {"exec sleep 1000", "not ready within 2s"},
		"answers 500":        {whole + " --broken", "the probe failed: / was answered with status 500"},
		"dies of the probe":  {whole + " --crash", "generation 2 dropped, generation 1 serves on: "},
		"cannot be executed": {"exec /nowhere", "/nowhere"},
	} {
		for address, listen := range map[string]string{"unix": "", "tcp": "tcp:" + ownAddress()} {
			t.Run(fault+" on "+address, func(t *testing.T) {
				t.Parallel()
				program := filepath.Join(publicFolder(t), "app.fcgi")
				deployLine(t, program, whole)
				s := start(t, pool{command: []string{program}, listen: listen, keys: `start_timeout = "2s"`,
					tables: "[@.probe]\npath = \"/\"\n"})
				backend := cmp.Or(strings.TrimPrefix(listen, "tcp:"), "unix:"+s.socket)
				f := nginx(t, backend, "")
				before := s.mustStatus()
				l := startLoad(t, f, clients)
				l.waitAnswered(clients)
				deployLine(t, program, c.line)
				if o := s.command("reload", s.pool); o.code != 1 || !strings.Contains(o.stderr, c.why) {
					t.Errorf("reload: exit code %d, %q; want 1 and %q", o.code, o.stderr, c.why)
				}
				l.waitAnswered(clients)
				s.settled(before.Generation)
				if after := s.mustStatus(); !maps.Equal(before.ready(), after.ready()) {
					t.Errorf("workers were %v, are %v", before.ready(), after.ready())
				}
				deployLine(t, program, whole)
				s.mustCommand("reload", s.pool)
				l.waitAnswered(clients)
				l.verdict(f, 0)
				allNew(t, before, s.mustStatus())
			})
		}
	}
}
