package e2e

// The supervisor's program is replaced in place. Not covered: a new program of
// another version than the old; systemd around it.

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestUpgradesLoseNothing(t *testing.T) {
	t.Parallel()
	s := startC(t)
	f := nginx(t, "unix:"+s.socket, "")
	before := s.mustStatus()
	l := startScribes(t, f, 4)
	for range often() {
		l.waitWritten(1)
		if said := s.mustCommand("upgrade"); !strings.Contains(said, "5 workers kept") {
			t.Fatalf("upgrade says %q", said)
		}
	}
	l.verdict(s.log())
	if after := s.mustStatus(); !maps.Equal(before.ready(), after.ready()) || after.Starts != before.Starts {
		t.Errorf("workers were %v, are %v", before.ready(), after.ready())
	}
	killed := before.ready()[0]
	syscall.Kill(killed, syscall.SIGKILL)
	s.waitFor(func(p poolJSON) error { return replaced(p, 0, killed) }) // a child as before: how it ended is known
}

func TestUpgradeWhileWorkersEnd(t *testing.T) {
	t.Parallel()
	s := startC(t)
	for round := range 10 {
		victims := s.mustStatus().ready()
		for _, pid := range victims {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		s.mustCommand("upgrade")
		s.waitRunning()
		for _, w := range s.mustStatus().Workers {
			if w.LastExit == nil || w.LastExit.Reason != "signal" || w.Restarts != round+1 {
				t.Fatalf("round %d: worker %d has %d restarts, last exit %+v", round, w.Slot, w.Restarts, w.LastExit)
			}
		}
	}
}

func TestUpgradeDuringAReload(t *testing.T) { onBoth(t, upgradeDuringAReload) }

func upgradeDuringAReload(t *testing.T, listen string) {
	s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: listen})
	f := nginx(t, s.backend(), "")
	l := startLoad(t, f, clients)
	if listen == "" {
		l.alsoConnect(s.socket)
	}
	l.waitAnswered(clients)
	for range 10 {
		asked := make(chan outcome)
		go func() { asked <- s.command("reload", s.pool) }()
		s.mustCommand("upgrade")
		if o := <-asked; o.code != 0 {
			t.Errorf("the reload that was under way: exit %d, %s%s", o.code, o.stdout, o.stderr)
		}
	}
	l.waitAnswered(clients)
	l.verdict(f, 0)
	s.waitRunning()
}

func TestFollowersStayThroughAnUpgrade(t *testing.T) {
	t.Parallel()
	s := startC(t)
	said := filepath.Join(s.folder, "events")
	file, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	follower := exec.Command(binary, "events", "-f", "--control", s.control())
	follower.Stdout = file
	if err := follower.Start(); err != nil {
		t.Fatal(err)
	}
	follows := func(text string) {
		t.Helper()
		eventually(t, func() error {
			got, err := os.ReadFile(said)
			if err == nil && strings.Count(string(got), text) != 1 {
				err = fmt.Errorf("%q is not there once in:\n%s", text, got)
			}
			return err
		})
	}
	follows("5 workers ready")
	s.mustCommand("upgrade")
	follows("taken back")
	s.mustCommand("reload", s.pool)
	follows("generation 2 serves")
	s.stop()
	if err := follower.Wait(); err != nil {
		t.Errorf("the follower ended with %v when the supervisor was stopped", err)
	}
	follows("5 workers ready")
}

func TestUpgradeBySignal(t *testing.T) {
	t.Parallel()
	s := startC(t)
	before := s.mustStatus()
	s.cmd.Process.Signal(syscall.SIGUSR2)
	eventually(t, func() error {
		text, err := os.ReadFile(s.log())
		if err == nil && !strings.Contains(string(text), "upgraded from=") {
			err = fmt.Errorf("the log tells of no upgrade")
		}
		return err
	})
	if after := s.mustStatus(); !maps.Equal(before.ready(), after.ready()) {
		t.Errorf("workers were %v, are %v", before.ready(), after.ready())
	}
}

func TestUpgradeToWhatCannotTakeOverChangesNothing(t *testing.T) {
	t.Parallel()
	s := startC(t)
	before := s.mustStatus()
	folder := publicFolder(t)
	program := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		return path
	}
	for path, why := range map[string]string{
		"/bin/true": "is no fcgi-supervisor",
		program("fails", "#!/bin/sh\necho the disk is on fire >&2\nexit 1\n", 0o755):     "the disk is on fire",
		program("plain", "not a program", 0o644):                                         "permission denied",
		program("format", "\x7fELF", 0o755):                                              "exec format error",
		program("open", "#!/bin/sh\nexit 0\n", 0o777):                                    "writable by others",
		filepath.Join(folder, "missing"):                                                 "no such file",
		program("liar", "#!/bin/sh\necho 'fcgi-supervisor 9: I can take over'\n", 0o755): "is no fcgi-supervisor",
	} {
		o := s.command("upgrade", "--binary", path)
		if o.code != 1 || !strings.Contains(o.stderr, why) {
			t.Errorf("%s: exit %d, %s", path, o.code, o.stderr)
		}
	}
	s.edit(func(text string) string { return text + "nonsense = 1\n" })
	if o := s.command("upgrade"); o.code != 1 || !strings.Contains(o.stderr, "nonsense") {
		t.Errorf("with a configuration that has mistakes: exit %d, %s", o.code, o.stderr)
	}
	if after := s.mustStatus(); !maps.Equal(before.ready(), after.ready()) {
		t.Errorf("workers were %v, are %v", before.ready(), after.ready())
	}
}

// A signal that arrives while the program is replaced is for the next one.
func TestNoSignalIsLostInAnUpgrade(t *testing.T) {
	t.Parallel()
	s := startC(t)
	asked := make(chan struct{})
	go func() { s.command("upgrade"); close(asked) }()
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatal("SIGTERM was lost")
	}
	<-asked
}
