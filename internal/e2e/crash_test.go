package e2e

// The supervisor is killed with SIGKILL, and another one goes on. Not covered:
// systemd as the one that starts it again.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// crashUnderLoad wants the same workers afterwards, and every request answered.
func crashUnderLoad(t *testing.T, s *supervisor, f *front, k kind) {
	t.Helper()
	before := s.mustStatus()
	l := k.load(t, s, f, clients)
	l.waitAnswered(clients)
	s.crash()
	l.waitAnswered(clients)
	s.again()
	l.waitAnswered(clients)
	l.verdict(f, 0)
	if after := s.mustStatus(); !maps.Equal(before.ready(), after.ready()) || after.Starts != before.Starts {
		t.Errorf("workers were %v, are %v; %d were started before, %d now", before.ready(), after.ready(), before.Starts, after.Starts)
	}
}

// scribes are clients whose every request writes a line of its own to the log.
type scribes struct {
	t    *testing.T
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex // between the clients
	written []string   // lines of answered requests
	failed  []error
}

func startScribes(t *testing.T, f *front, clients int) *scribes {
	ctx, cancel := context.WithCancel(context.Background())
	s := &scribes{t: t, stop: cancel}
	for id := range clients {
		s.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				line := fmt.Sprintf("scribe-%d-%d.", id, n)
				a, err := f.request(http.MethodGet, "/log?line="+line, nil)
				s.mu.Lock()
				if err == nil && a.status == http.StatusOK && string(a.body) == "logged" {
					s.written = append(s.written, line)
				} else {
					s.failed = append(s.failed, fmt.Errorf("%s: status %d, %.100q, %v", line, a.status, a.body, err))
				}
				s.mu.Unlock()
			}
		})
	}
	t.Cleanup(s.halt)
	return s
}

func (s *scribes) halt() {
	s.stop()
	s.done.Wait()
}

func (s *scribes) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.written)
}

func (s *scribes) waitWritten(n int) {
	s.t.Helper()
	target := s.count() + n
	eventually(s.t, func() error {
		if now := s.count(); now < target {
			return fmt.Errorf("%d requests answered, want %d", now, target)
		}
		return nil
	})
}

// verdict wants every request answered and its line in the log; how often lines
// stand there twice is told.
func (s *scribes) verdict(log string) {
	s.t.Helper()
	s.halt()
	for _, err := range s.failed {
		s.t.Error(err)
	}
	var missing []string
	twice := 0
	eventually(s.t, func() error {
		text, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		logged := map[string]int{}
		for line := range strings.Lines(string(text)) {
			logged[strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:])]++
		}
		missing, twice = nil, 0
		for _, line := range s.written {
			switch n := logged[line]; {
			case n == 0:
				missing = append(missing, line)
			case n > 1:
				twice++
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("%d lines are not in the log, the first %s", len(missing), missing[0])
		}
		return nil
	})
	s.t.Logf("%d requests answered, %d failed, %d lines in the log twice", len(s.written), len(s.failed), twice)
}

// often is how many times something is done that the acceptance asks for 50 times
// of: so often only by `make acceptance`.
func often() int {
	if *reloads > 0 {
		return 50
	}
	return 12
}

func TestCrashesLoseNothing(t *testing.T) { onBoth(t, crashesLoseNothing) }

func crashesLoseNothing(t *testing.T, listen string) {
	s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: listen})
	f := nginx(t, s.backend(), "")
	l := startScribes(t, f, 4)
	random := rand.New(rand.NewPCG(1, 2))
	starts := 0
	for range often() {
		l.waitWritten(1 + random.IntN(20))
		var asked sync.WaitGroup
		switch random.IntN(4) {
		case 0:
			asked.Go(func() { s.command("reload", s.pool) }) // cut off, as a rule
			l.waitWritten(1 + random.IntN(5))
		case 1:
			asked.Go(func() { s.command("restart", s.pool) })
			l.waitWritten(1 + random.IntN(5))
		case 2:
			s.cmd.Process.Signal(syscall.SIGHUP)
			l.waitWritten(1 + random.IntN(3))
		}
		if now := s.mustStatus().Starts; now < starts {
			t.Fatalf("%d starts were counted, and then %d", starts, now)
		} else {
			starts = now
		}
		s.crash()
		l.waitWritten(random.IntN(5))
		s.again()
		asked.Wait() // who asked waits for the next supervisor
	}
	l.verdict(s.log())
	eventually(t, func() error { return running(s.mustStatus()) })
}

func TestCrashDuringAStopOfTheSupervisor(t *testing.T) { onBoth(t, crashDuringAStopOfTheSupervisor) }

func crashDuringAStopOfTheSupervisor(t *testing.T, listen string) {
	s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: listen})
	f := nginx(t, s.backend(), "")
	before := s.mustStatus()
	l := startLoad(t, f, 1)
	l.waitAnswered(1)
	slow := make(chan error, 1)
	go func() {
		_, err := f.request(http.MethodGet, "/sleep?ms=1500", nil)
		slow <- err
	}()
	s.waitFor(somebodyIsBusy)
	s.cmd.Process.Signal(syscall.SIGTERM)
	eventually(t, func() error {
		text, err := os.ReadFile(s.log())
		if err == nil && !strings.Contains(string(text), "stopping:") {
			err = errors.New("the supervisor does not stop")
		}
		return err
	})
	s.crash()
	s.again()
	if err := <-slow; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	l.halt() // the address was given up: it may have been refused in between
	if o := s.command("request", s.listen, "/"); o.code != 0 {
		t.Errorf("not answered afterwards: %s", o.stderr)
	}
	if after := s.mustStatus(); after.Starts < before.Starts {
		t.Errorf("%d starts were counted, and then %d", before.Starts, after.Starts)
	}
}

func TestConfigurationChangedWhileNobodyLooked(t *testing.T) {
	t.Parallel()
	s := startC(t)
	f := nginx(t, "unix:"+s.socket, "")
	before := s.mustStatus()
	l := kind{atOnce: 1}.load(t, s, f, clients)
	l.waitAnswered(clients)
	s.crash()
	s.edit(withThree)
	s.again()
	s.settled(2)
	l.waitAnswered(clients)
	l.verdict(f, 0)
	after := s.mustStatus()
	allNew(t, before, after)
	if after.Wanted != 3 || after.LastReload == nil || after.LastReload.Trigger != "config" {
		t.Errorf("%d workers wanted, last reload %+v", after.Wanted, after.LastReload)
	}
}

func TestWorkersThatEndedMeanwhileAreReplaced(t *testing.T) {
	t.Parallel()
	s := startC(t)
	before := s.mustStatus()
	s.crash()
	dead := before.ready()[2]
	syscall.Kill(dead, syscall.SIGKILL)
	s.again()
	s.waitFor(func(p poolJSON) error {
		w, _ := p.worker(2)
		if w.PID == dead || w.Restarts != 1 || w.LastExit == nil {
			return fmt.Errorf("worker 2 is %+v", w)
		}
		return running(p)
	})
	after := s.mustStatus()
	kept := after.ready()
	delete(kept, 2)
	want := before.ready()
	delete(want, 2)
	if !maps.Equal(kept, want) {
		t.Errorf("the others were %v, are %v", want, kept)
	}
}

// A new generation that ended together with the supervisor leaves no name behind.
func TestCrashOfACandidateAndTheSupervisor(t *testing.T) {
	t.Parallel()
	program := filepath.Join(publicFolder(t), "app.fcgi")
	deployLine(t, program, "exec "+filepath.Join(workers, "worker-c"))
	s := start(t, pool{command: []string{program}})
	deployLine(t, program, "exec sleep 1000") // never ready
	reload := exec.Command(binary, "reload", s.pool, "--control", s.control())
	if err := reload.Start(); err != nil {
		t.Fatal(err)
	}
	s.waitFor(func(p poolJSON) error {
		if !slices.ContainsFunc(p.Workers, func(w workerJSON) bool { return w.Phase == "starting" && w.PID > 0 }) {
			return errors.New("nobody of the new generation has started")
		}
		return nil
	})
	s.crash()
	reload.Process.Kill()
	reload.Wait()
	for _, pid := range s.processes() {
		if procContains(pid, "environ", "FCGI_SUPERVISOR_GENERATION=2\x00") {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	deployLine(t, program, "exec "+filepath.Join(workers, "worker-c"))
	s.again()
	if found := socketsIn(filepath.Dir(s.socket)); slices.ContainsFunc(found, func(path string) bool { return strings.HasPrefix(path, s.socket+".") }) {
		t.Errorf("left behind: %v", found)
	}
	if o := s.command("request", "unix:"+s.socket, "/"); o.code != 0 {
		t.Errorf("not answered afterwards: %s", o.stderr)
	}
}

func TestStateThatCannotBeUsedIsSetAside(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nonsense": "{", "another format": `{"version":99,"lineage":"x"}`, "empty": "", "foreign": `[1,2,3]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, pool{command: []string{filepath.Join(workers, "worker-c")}})
			path := filepath.Join(s.runtime(), "state.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s.again()
			aside, err := os.ReadFile(path + ".unusable")
			log, _ := os.ReadFile(s.log())
			if err != nil || string(aside) != text || !strings.Contains(string(log), "state.json.unusable") {
				t.Errorf("set aside: %q, %v; log:\n%s", aside, err, log)
			}
		})
	}
}

// TCP and abstract addresses are taken back too; a rolling restart is begun anew or
// given up, and costs nothing in either case.
func TestCrashOnSharedSockets(t *testing.T) {
	t.Parallel()
	for name, listen := range map[string]string{"tcp": "tcp:" + ownAddress(), "abstract": "unix:@" + uniqueName("crash")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: listen})
			before := s.mustStatus()
			s.crash()
			s.again()
			after := s.mustStatus()
			if !maps.Equal(before.ready(), after.ready()) || after.Listen != listen {
				t.Errorf("workers were %v, are %v, at %s", before.ready(), after.ready(), after.Listen)
			}
			if name == "abstract" {
				return // no web server of these tests speaks to it
			}
			f := nginx(t, strings.TrimPrefix(listen, "tcp:"), "")
			l := startLoad(t, f, clients)
			for range 5 {
				asked := make(chan struct{})
				go func() { s.command("restart", s.pool); close(asked) }()
				l.waitAnswered(clients)
				s.crash()
				s.again()
				<-asked
			}
			l.waitAnswered(clients)
			l.verdict(f, 0)
		})
	}
}

// Who may not take descriptors replaces the socket, and the old workers finish.
func TestCrashWhereDescriptorsMayNotBeTaken(t *testing.T) {
	onBoth(t, crashWhereDescriptorsMayNotBeTaken)
}

func crashWhereDescriptorsMayNotBeTaken(t *testing.T, listen string) {
	s := prepare(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: listen})
	denied := filepath.Join(workers, "denied")
	s.again(denied)
	before := s.mustStatus()
	f := nginx(t, s.backend(), "")
	l := startLoad(t, f, clients)
	l.waitAnswered(clients)
	s.crash()
	l.waitAnswered(clients)
	s.again(denied)
	l.waitAnswered(clients)
	s.settled(2)
	l.verdict(f, 0)
	allNew(t, before, s.mustStatus())
}
