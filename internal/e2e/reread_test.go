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
