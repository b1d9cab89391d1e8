package e2e

// SIGHUP: the configuration is read again, under load. Not covered: changes of
// [supervisor], which need a new start and say so.

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rewrite changes the configuration and has it read again.
func (s *supervisor) rewrite(change func(string) string) {
	s.t.Helper()
	s.edit(change)
	s.cmd.Process.Signal(syscall.SIGHUP)
}

// edit changes the configuration.
func (s *supervisor) edit(change func(string) string) {
	s.t.Helper()
	text, err := os.ReadFile(s.config())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.config(), []byte(change(string(text))), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// withThree is a configuration with fewer workers and another environment.
func withThree(text string) string {
	return strings.Replace(text, "processes = 5", "processes = 3\nenvironment = { RELEASE = \"8\" }", 1)
}

// settled waits until the pool runs in that generation, alone.
func (s *supervisor) settled(generation int) {
	s.t.Helper()
	eventually(s.t, func() error {
		p := s.mustStatus()
		if p.Generation != generation {
			return fmt.Errorf("generation %d, want %d", p.Generation, generation)
		}
		return running(p)
	})
}

func TestHangupGivesChangedPoolsNewWorkers(t *testing.T) {
	t.Parallel()
	s := startC(t)
	f := nginx(t, "unix:"+s.socket, "")
	before := s.mustStatus()
	l := kind{atOnce: 1}.load(t, s, f, clients)
	l.waitAnswered(clients)
	s.rewrite(withThree)
	s.settled(2)
	l.waitAnswered(clients)
	l.verdict(f, 0)
	after := s.mustStatus()
	allNew(t, before, after)
	if after.Wanted != 3 {
		t.Errorf("%d workers wanted, the configuration has 3", after.Wanted)
	}
	for _, pid := range after.ready() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil || !strings.Contains("\x00"+string(text), "\x00RELEASE=8\x00") {
			t.Errorf("worker %d has not the new environment: %v", pid, err)
		}
	}
}

func TestHangupAddsAndRemovesPools(t *testing.T) {
	t.Parallel()
	s := startC(t)
	second := s.pool + "-2"
	socket := filepath.Join(s.folder, "second.sock")
	s.rewrite(func(text string) string {
		return text + fmt.Sprintf("[pool.%s]\ncommand = [%q]\nlisten = %q\nuser = \"www-data\"\nprocesses = 2\n",
			second, filepath.Join(workers, "worker-c"), "unix:"+socket)
	})
	eventually(t, func() error {
		if o := s.command("status", second); o.code != 0 || !strings.Contains(o.stdout, "2/2") {
			return fmt.Errorf("status of the new pool: %d %s%s", o.code, o.stdout, o.stderr)
		}
		return nil
	})
	s.rewrite(func(text string) string { return text[:strings.Index(text, "[pool."+second)] })
	eventually(t, func() error {
		if o := s.command("status", second); o.code != 1 {
			return fmt.Errorf("the removed pool is still there: %s", o.stdout)
		}
		return nil
	})
	if _, err := os.Lstat(socket); err == nil {
		t.Error("the removed pool's socket is left")
	}
}

func TestHangupMovesAnAddress(t *testing.T) {
	t.Parallel()
	s := startC(t)
	old := s.socket
	s.socket += "-new"
	s.rewrite(func(text string) string { return strings.Replace(text, `unix:`+old+`"`, `unix:`+s.socket+`"`, 1) })
	s.settled(2)
	if o := s.command("request", "unix:"+s.socket, "/"); o.code != 0 {
		t.Errorf("request to the new address: %s", o.stderr)
	}
	if _, err := os.Lstat(old); err == nil {
		t.Error("the old address is left")
	}
}

func TestHangupWithMistakesChangesNothing(t *testing.T) {
	t.Parallel()
	s := startC(t)
	before := s.mustStatus()
	s.rewrite(func(text string) string { return strings.Replace(text, "processes = 5", "proceses = 7", 1) })
	mistake := regexp.MustCompile(regexp.QuoteMeta(s.config()) + `:\d+:1: unknown key "proceses" in \[pool\.[^]]*\]; did you mean "processes"\?`)
	eventually(t, func() error {
		text, err := os.ReadFile(s.log())
		if err != nil || !mistake.Match(text) || !strings.Contains(string(text), "the one before stays") {
			return fmt.Errorf("the log does not tell the mistake: %v", err)
		}
		return nil
	})
	after := s.mustStatus()
	if err := running(after); err != nil || after.Generation != before.Generation {
		t.Errorf("generation was %d, is %d; %v", before.Generation, after.Generation, err)
	}
}

// configured is command where only the configuration says which supervisor is meant.
func (s *supervisor) configured(args ...string) outcome {
	return runCommand(binary, append(args, "--config", s.config())...)
}

// second is a table of another pool, with workers that serve.
func (s *supervisor) second(name string) string {
	return fmt.Sprintf("[pool.%s]\ncommand = [%q]\nlisten = \"unix:%s/%s.sock\"\nuser = \"www-data\"\nprocesses = 2\n",
		name, filepath.Join(workers, "worker-c"), s.folder, name)
}

// `reload` reads the configuration again too, and has an answer: what is new,
// changed or gone, and every mistake.
func TestReloadReadsTheConfiguration(t *testing.T) {
	t.Parallel()
	s := startC(t)
	other, third := s.pool+"-2", s.pool+"-3"
	s.edit(func(text string) string { return text + s.second(other) + s.second(third) })

	if o := s.configured("reload", other); o.code != 0 || !strings.Contains(o.stdout, other+": 2 workers ready") {
		t.Errorf("reload of a pool that is new: exit %d, %s%s", o.code, o.stdout, o.stderr)
	}
	if o := s.command("status", third); o.code != 1 {
		t.Errorf("a pool that nobody has asked for has started: %s", o.stdout)
	}
	if p := s.mustStatus(); p.Generation != 1 {
		t.Errorf("the reload of %s has touched %s: generation %d", other, s.pool, p.Generation)
	}

	s.edit(withThree)
	if o := s.configured("reload", s.pool); o.code != 0 {
		t.Errorf("reload: exit %d, %s", o.code, o.stderr)
	}
	if p := s.mustStatus(); p.Generation != 2 || p.Wanted != 3 {
		t.Errorf("generation %d with %d workers, want 2 with the 3 of the changed configuration", p.Generation, p.Wanted)
	}

	s.edit(func(text string) string { return strings.Replace(text, s.second(other), "", 1) })
	if o := s.configured("reload", other); o.code != 1 || !strings.Contains(o.stderr, "reload --all, which ends it") {
		t.Errorf("reload of a pool that is gone: exit %d, %s", o.code, o.stderr)
	}
	o := s.configured("reload", "--all")
	if o.code != 0 || !regexp.MustCompile(third+": .*2 workers ready").MatchString(o.stdout) || !strings.Contains(o.stderr, third+": starts") || !strings.Contains(o.stderr, other+": ends") ||
		!strings.Contains(o.stdout, s.pool+": generation 3") {
		t.Errorf("reload --all: exit %d, %s%s", o.code, o.stdout, o.stderr)
	}
	if o := s.command("status", other); o.code != 1 {
		t.Errorf("a pool that is gone from the configuration runs: %s", o.stdout)
	}
}

// What is in force after the reload of one pool is known to who watches files too.
func TestReloadBringsAWatch(t *testing.T) {
	t.Parallel()
	s := startC(t)
	saved := file(t, publicFolder(t), "app.py", "one", 0o644)
	s.edit(func(text string) string { return text + fmt.Sprintf("[pool.%s.watch]\npaths = [%q]\n", s.pool, saved) })
	if o := s.configured("reload", s.pool); o.code != 0 {
		t.Fatalf("reload: exit %d, %s", o.code, o.stderr)
	}
	s.waitFor(func(p poolJSON) error { // the watch begins a moment after the reload
		if err := os.WriteFile(saved, []byte(time.Now().String()), 0o644); err != nil {
			t.Fatal(err)
		}
		if p.LastReload == nil || p.LastReload.Trigger != "file" {
			return fmt.Errorf("the last reload is %+v", p.LastReload)
		}
		return nil
	})
}

// The commands find their supervisor by a configuration that has a mistake, and
// what runs stays as it is.
func TestReloadWithMistakes(t *testing.T) {
	t.Parallel()
	s := startC(t)
	for mistake, want := range map[string]string{
		"proceses = 7":  `unknown key "proceses"`,
		"processes = [": "",
	} {
		t.Run(mistake, func(t *testing.T) {
			s.edit(func(text string) string { return strings.Replace(text, "processes = 5", mistake, 1) })
			defer s.edit(func(text string) string { return strings.Replace(text, mistake, "processes = 5", 1) })
			for _, args := range [][]string{{"reload", s.pool}, {"reload", "--all"}} {
				o := s.configured(args...)
				place := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(s.config()) + `:\d+:\d+: .*` + regexp.QuoteMeta(want))
				if o.code != 2 || !place.MatchString(o.stderr) || !strings.Contains(o.stderr, "the one before stays in force") {
					t.Errorf("%v: exit %d, want 2 and the mistake with its place:\n%s", args, o.code, o.stderr)
				}
			}
		})
	}
	if p := s.mustStatus(); p.Generation != 1 || running(p) != nil {
		t.Errorf("generation %d, %v: a configuration with mistakes has changed something", p.Generation, running(p))
	}
}
