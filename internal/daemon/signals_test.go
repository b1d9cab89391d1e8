package daemon_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/supervisor"
)

// Signals to the supervisor. Not covered: SIGUSR2; what a stop does to requests
// under way (the end-to-end tests).

func TestUSR1OpensLogFilesAgain(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", "[pool.blog.log]\noutput = \"file\"\nfile = \"FOLDER/blog.log\""))
	p.start()
	p.waitRunning("blog")
	said := func(file string, times int) {
		t.Helper()
		p.eventually(func() error {
			text, err := os.ReadFile(p.path(file))
			if n := strings.Count(string(text), "accepted a connection"); n != times {
				return fmt.Errorf("%s has %d lines, want %d (%v)", file, n, times, err)
			}
			return nil
		})
	}
	if err := p.connect("blog"); err != nil {
		t.Fatal(err)
	}
	said("blog.log", 1)
	if err := os.Rename(p.path("blog.log"), p.path("blog.log.1")); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGUSR1)
	p.waitSaid("log files opened again")
	if err := p.connect("blog"); err != nil {
		t.Fatal(err)
	}
	said("blog.log", 1)
	said("blog.log.1", 1)
}

func TestHUPGivesNewWorkers(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", "")+pool("shop", "serve", ""))
	p.start()
	before := p.waitRunning("blog")
	outcome, err := p.client().Do(context.Background(), "shop", supervisor.ActionStop, control.Options{}, nil)
	if err != nil || !outcome.OK {
		t.Fatalf("stop: %+v, %v", outcome, err)
	}
	p.signal(syscall.SIGHUP)
	after := p.waitFor("blog", "of the next generation", func(s control.Pool) bool {
		if err := p.connect("blog"); err != nil {
			t.Errorf("a client met the reload: %v", err)
		}
		return s.State == "running" && s.Generation > before.Generation && s.Ready == s.Processes && len(s.Workers) == s.Processes
	})
	old := map[int]bool{}
	for _, w := range before.Workers {
		old[*w.PID] = true
	}
	for _, w := range after.Workers {
		if old[*w.PID] || w.Generation != after.Generation {
			t.Errorf("worker %d of generation %d has pid %d, as before", w.Slot, w.Generation, *w.PID)
		}
	}
	if after.LastReload == nil || after.LastReload.Result == nil || *after.LastReload.Result != "ok" || after.LastReload.Trigger != "signal" {
		t.Errorf("the reload is remembered as %+v", after.LastReload)
	}
	p.waitFor("shop", "stopped still", func(s control.Pool) bool { return s.State == "stopped" })
}

func TestSecondTERMEndsAtOnce(t *testing.T) {
	for _, signals := range [][2]syscall.Signal{{syscall.SIGTERM, syscall.SIGTERM}, {syscall.SIGINT, syscall.SIGTERM}, {syscall.SIGTERM, syscall.SIGINT}} {
		t.Run(fmt.Sprint(signals), func(t *testing.T) {
			t.Parallel()
			p := write(t, pool("blog", "stubborn", `stop_timeout = "1h"`))
			p.start()
			p.waitRunning("blog")
			p.signal(signals[0])
			p.waitFor("blog", "stopping", func(s control.Pool) bool { return s.State == "stopping" })
			if n := len(p.workers()); n != 2 {
				t.Errorf("%d workers are left after the first signal: the stubborn ones do not show what the second does", n)
			}
			p.signal(signals[1])
			p.ends(0)
			p.waitSaid("second signal: ending everything at once")
		})
	}
}

func TestReaderOfTheLogGoesAway(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", ""))
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.startWith(writer)
	writer.Close()
	p.waitRunning("blog")
	reader.Close()
	for range 3 { // each of them is logged, to nobody: write(2) raises SIGPIPE
		outcome, err := p.client().Do(context.Background(), "blog", supervisor.ActionRestart, control.Options{}, nil)
		if err != nil || !outcome.OK {
			t.Fatalf("restart: %+v, %v", outcome, err)
		}
	}
	p.waitRunning("blog")
}
