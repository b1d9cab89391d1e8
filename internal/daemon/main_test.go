package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/daemon"
)

// The test binary plays the program and its workers. Not covered anywhere here:
// FastCGI, other users than ours, descriptors that are passed to us (the
// end-to-end tests), upgrades.

// configVariable makes a child the program, with that configuration file.
const configVariable = "DAEMON_TEST_CONFIG"

// roleVariable, in the environment of a pool, makes a child a worker.
const roleVariable = "DAEMON_TEST_WORKER"

// Exit codes of the program as the tests play it.
const (
	exitFailed  = 1
	exitRefused = 2
	exitLeak    = 3
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		work(role)
		return
	}
	if path := os.Getenv(configVariable); path != "" {
		os.Exit(playProgram(path))
	}
	goleak.VerifyTestMain(m)
}

// playProgram says on its standard output when it has started.
func playProgram(path string) int {
	if os.Getenv("LISTEN_FDS") != "" { // who starts us cannot know the pid before
		os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
	cfg, err := config.Load(path)
	var mistakes error
	if err != nil { // as cmd does it
		if cfg, mistakes = must(daemon.Resume(filepath.Join(filepath.Dir(path), "run"), path)), err; cfg != nil {
			err = nil
		}
	}
	if err == nil {
		err = daemon.Run(context.Background(), cfg, daemon.Options{Version: "test", Mistakes: mistakes, Exit: os.Exit, Started: func(*daemon.Daemon) { fmt.Println("started") }})
	}
	switch {
	case errors.Is(err, daemon.ErrRefused):
		fmt.Fprintln(os.Stderr, err)
		return exitRefused
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitLeak
	}
	return 0
}

// must is nil after an error, which is told.
func must(cfg *config.Config, err error) *config.Config {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return cfg
}

// work accepts connections, says so, and closes them. A stubborn worker does not
// end when it is asked to; a mute one never accepts; a broken one ends at once.
func work(role string) {
	if role == "broken" {
		os.Exit(3)
	}
	if role == "mute" {
		for {
			_ = syscall.Pause()
		}
	}
	if role == "stubborn" {
		signal.Ignore(syscall.SIGTERM)
	}
	runtime.LockOSThread()
	for {
		conn, _, err := syscall.Accept(0)
		if err != nil {
			return
		}
		fmt.Println("accepted a connection")
		_ = syscall.Close(conn)
	}
}
