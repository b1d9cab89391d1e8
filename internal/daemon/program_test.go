package daemon_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fcgi-supervisor/internal/control"
)

// The harness around one program in a child process. Not covered: see main_test.go.

// patience bounds every wait. It is generous because it is reached only by a
// test that fails.
const patience = 30 * time.Second

// program is one daemon under test.
type program struct {
	t      *testing.T
	folder string // everything of this run; the workers have it as their argument
	cmd    *exec.Cmd
	env    []string   // more for its environment
	passed []*os.File // descriptors from 3 on, closed by its start
}

// write makes a configuration of these lines, in which FOLDER stands for the
// folder and PROGRAM for the command of a worker. It starts nothing.
func write(t *testing.T, text string) *program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, folder: t.TempDir()}
	text = "[supervisor]\nruntime_dir = \"FOLDER/run\"\n" + text
	text = strings.NewReplacer("FOLDER", p.folder, "PROGRAM", fmt.Sprintf("[%q, %q]", self, p.folder)).Replace(text)
	if err := os.WriteFile(p.path("toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.proveNothingLeft()
		if t.Failed() {
			t.Logf("the program's log:\n%s", p.said())
		}
	})
	return p
}

// pool is a pool whose workers play the role; more are further lines.
func pool(name, role, more string) string {
	return fmt.Sprintf("[pool.%s]\ncommand = PROGRAM\nlisten = \"unix:FOLDER/%[1]s.sock\"\nprocesses = 2\nenvironment = { %s = %q }\n%s\n",
		name, roleVariable, role, more)
}

func (p *program) path(name string) string { return filepath.Join(p.folder, name) }

// said is all that the program has written to its standard error.
func (p *program) said() string {
	text, _ := os.ReadFile(p.path("log")) // none yet is nothing said
	return string(text)
}

// launch starts the program and returns its standard output.
func (p *program) launch(stderr *os.File) *bufio.Reader {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	p.t.Cleanup(cancel)
	p.cmd = exec.CommandContext(ctx, self)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGQUIT) } // Go prints all goroutines
	// A program with the race detector else sleeps a second before it ends.
	p.cmd.Env = append(os.Environ(), configVariable+"="+p.path("toml"), "GORACE=atexit_sleep_ms=0")
	p.cmd.Env = append(p.cmd.Env, p.env...)
	p.cmd.Stderr, p.cmd.ExtraFiles = stderr, p.passed
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	err = p.cmd.Start()
	for _, file := range p.passed {
		file.Close()
	}
	p.passed = nil
	if err != nil {
		p.t.Fatal(err)
	}
	return bufio.NewReader(stdout)
}

func (p *program) openLog() *os.File {
	p.t.Helper()
	log, err := os.OpenFile(p.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		p.t.Fatal(err)
	}
	return log
}

// start runs the program until its sockets listen; it is stopped with the test,
// unless that has happened.
func (p *program) start() {
	p.t.Helper()
	log := p.openLog()
	defer log.Close()
	p.startWith(log)
}

func (p *program) startWith(stderr *os.File) {
	p.t.Helper()
	if line, err := p.launch(stderr).ReadString('\n'); line != "started\n" {
		_ = p.cmd.Wait()
		p.t.Fatalf("said %q (%v), want started; its log:\n%s", line, err, p.said())
	}
	p.t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.signal(syscall.SIGTERM)
			p.ends(0)
		}
	})
}

// refuse runs the program, which must end by itself with that code and say all
// these texts.
func (p *program) refuse(code int, says ...string) {
	p.t.Helper()
	log := p.openLog()
	defer log.Close()
	p.launch(log)
	p.ends(code)
	for _, text := range says {
		if !strings.Contains(p.said(), text) {
			p.t.Errorf("%q was not said", text)
		}
	}
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) ends(code int) {
	p.t.Helper()
	_ = p.cmd.Wait() // its verdict is in ProcessState
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("ended with %v, want exit status %d", p.cmd.ProcessState, code)
	}
}

func (p *program) client() *control.Client {
	return control.NewClient(control.SocketPath(p.path("run")))
}

// waitFor looks until ok says yes to a pool.
func (p *program) waitFor(name, what string, ok func(control.Pool) bool) control.Pool {
	p.t.Helper()
	var last control.Pool
	p.eventually(func() error {
		status, err := p.client().Status(context.Background(), name)
		if err != nil {
			return err
		}
		if last = status.Pools[0]; !ok(last) {
			return fmt.Errorf("pool %s is not %s: %+v", name, what, last)
		}
		return nil
	})
	return last
}

func (p *program) waitRunning(name string) control.Pool {
	p.t.Helper()
	return p.waitFor(name, "running with all its workers", func(s control.Pool) bool {
		return s.State == "running" && s.Ready == s.Processes && len(s.Workers) == s.Processes
	})
}

// waitWritten: on a busy machine something is told before it is written down.
func (p *program) waitWritten(text string) {
	p.t.Helper()
	p.eventually(func() error {
		state, err := os.ReadFile(p.path("run/state.json"))
		if err == nil && !strings.Contains(string(state), text) {
			err = fmt.Errorf("%s is not in the state file", text)
		}
		return err
	})
}

func (p *program) waitSaid(text string) {
	p.t.Helper()
	p.eventually(func() error {
		if strings.Contains(p.said(), text) {
			return nil
		}
		return fmt.Errorf("%q was not said", text)
	})
}

// eventually tries again until there is no error.
func (p *program) eventually(try func() error) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatal(err)
		}
	}
}

// connect is a client that comes, and goes when the worker has closed.
func (p *program) connect(name string) error {
	conn, err := net.Dial("unix", p.path(name+".sock"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, _ = conn.Read(make([]byte, 1))
	return nil
}

// proveNothingLeft looks for processes and sockets; the runtime folder and its
// lock file may stay.
func (p *program) proveNothingLeft() {
	p.t.Helper()
	for _, pid := range p.workers() {
		p.t.Errorf("worker %d is left", pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, pattern := range []string{"*", "run/*"} {
		files, err := filepath.Glob(p.path(pattern))
		if err != nil {
			p.t.Fatal(err)
		}
		for _, file := range files {
			if info, err := os.Lstat(file); err == nil && info.Mode()&os.ModeSocket != 0 {
				p.t.Errorf("socket %s is left", file)
			}
		}
	}
}

// workers are the living processes with our folder as their argument.
func (p *program) workers() (pids []int) {
	p.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, file := range files {
		if text, _ := os.ReadFile(file); strings.HasSuffix(string(text), "\x00"+p.folder+"\x00") { // it may have ended
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}
