package e2e

// The harness around one running supervisor with one pool. Not covered: several
// pools in one supervisor.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait. It is generous because it is reached only by a
// test that fails.
const patience = time.Minute

// pool is what a test asks for; its other settings are the defaults.
type pool struct {
	command   []string
	directory string // default: the folder of the workers
	listen    string // default: unix:FOLDER/app.sock
	user      string // default: www-data
	processes int    // default: 5
	keys      string // further lines of [pool.NAME]
	tables    string // further tables; @ stands for pool.NAME
}

// supervisor is one running program under test.
type supervisor struct {
	t      *testing.T
	folder string // configuration, sockets, log: everything of this run
	pool   string // unlike any other's, so that its processes can be found
	socket string // path of the pool's socket, unless it listens elsewhere
	listen string // the pool's address
	cmd    *exec.Cmd
	ended  chan struct{} // closed by the goroutine that waits for cmd

	// startedByOther: cmd is a web server that does not wait for what it started.
	startedByOther bool
	// foreign is a path at or below which sockets are not the supervisor's to
	// remove.
	foreign string
}

var poolCount atomic.Int64

// prepare writes a configuration and starts nothing.
func prepare(t *testing.T, p pool) *supervisor {
	t.Helper()
	s := &supervisor{t: t, folder: publicFolder(t), pool: uniqueName("pool")}
	s.socket = filepath.Join(s.folder, "app.sock")
	if err := os.Mkdir(s.runtime(), 0o755); err != nil {
		t.Fatal(err)
	}
	s.configure(p)
	return s
}

// configure writes the configuration, anew perhaps.
func (s *supervisor) configure(p pool) {
	s.t.Helper()
	if p.listen == "" {
		p.listen = "unix:" + s.socket
	}
	s.listen = p.listen
	if p.directory == "" {
		p.directory = workers
	}
	if p.user == "" {
		p.user = "www-data"
	}
	if p.processes == 0 {
		p.processes = 5
	}
	text := fmt.Sprintf("[supervisor]\nruntime_dir = %q\n[pool.%s]\ncommand = %s\ndirectory = %q\nlisten = %q\nuser = %q\nprocesses = %d\n%s\n%s\n",
		s.runtime(), s.pool, tomlStrings(p.command), p.directory, p.listen, p.user, p.processes,
		p.keys, strings.ReplaceAll(p.tables, "@", "pool."+s.pool))
	if err := os.WriteFile(s.config(), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// start runs a supervisor and waits until the pool has all its workers.
func start(t *testing.T, p pool) *supervisor {
	t.Helper()
	s := prepare(t, p)
	s.run(binary, "run", "--config", s.config())
	s.waitRunning()
	return s
}

// backend is the pool's address as nginx writes it.
func (s *supervisor) backend() string { return strings.TrimPrefix(s.listen, "tcp:") }

func (s *supervisor) runtime() string { return filepath.Join(s.folder, "run") }
func (s *supervisor) config() string  { return filepath.Join(s.folder, "fcgi-supervisor.toml") }
func (s *supervisor) control() string { return filepath.Join(s.runtime(), "control.sock") }
func (s *supervisor) log() string     { return filepath.Join(s.folder, "log") }

// run starts a command that is, or becomes, the supervisor. When the test ends
// it is stopped, if that has not happened yet, and must leave nothing behind.
func (s *supervisor) run(command string, args ...string) {
	s.t.Helper()
	s.runWith(nil, command, args...)
}

// runWith is run with more in the environment.
func (s *supervisor) runWith(environment []string, command string, args ...string) {
	s.t.Helper()
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	if s.cmd == nil {
		s.t.Cleanup(s.finish)
	}
	s.cmd = exec.Command(command, args...)
	s.cmd.Env = append(os.Environ(), environment...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go s.wait(s.cmd, s.ended)
}

// crash ends the supervisor as nothing should.
func (s *supervisor) crash() {
	s.t.Helper()
	s.cmd.Process.Kill()
	<-s.ended
}

// again starts it once more, as an init system does, and waits until its pool has
// all its workers.
func (s *supervisor) again(launcher ...string) {
	s.t.Helper()
	command := append(launcher, binary, "run", "--config", s.config())
	s.run(command[0], command[1:]...)
	s.waitRunning()
}

// lineage is the mark of the workers.
func (s *supervisor) lineage() string {
	s.t.Helper()
	var state struct {
		Lineage string `json:"lineage"`
	}
	text, err := os.ReadFile(filepath.Join(s.runtime(), "state.json"))
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Lineage
}

// wait ends when the process does.
func (s *supervisor) wait(cmd *exec.Cmd, ended chan struct{}) {
	cmd.Wait() // its verdict is in cmd.ProcessState
	close(ended)
}

// stop ends the supervisor as an init system does. It must exit with 0; web
// servers have codes of their own.
func (s *supervisor) stop() {
	s.t.Helper()
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.cmd.Process.Signal(syscall.SIGQUIT) // Go prints all goroutines
		<-s.ended
		s.t.Fatalf("did not end within %v of SIGTERM", patience)
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 && !s.startedByOther {
		s.t.Errorf("supervisor ended with %v, want exit status 0", s.cmd.ProcessState)
	}
}

// finish is the end of every test: stop, then prove that nothing is left.
func (s *supervisor) finish() {
	select {
	case <-s.ended:
	default:
		s.stop()
	}
	if s.startedByOther {
		eventually(s.t, func() error {
			if pids := s.processes(); len(pids) > 0 {
				return fmt.Errorf("processes %v are left", pids)
			}
			return nil
		})
	}
	s.proveNothingLeft()
	if s.t.Failed() {
		s.t.Logf("the supervisor's log:\n%s", lastBytes(s.log(), 6000))
	}
}

func (s *supervisor) proveNothingLeft() {
	s.t.Helper()
	for _, pid := range s.processes() {
		s.t.Errorf("process %d is left: %s", pid, commandLine(pid))
		syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, path := range socketsIn(s.folder) {
		if s.foreign == "" || !strings.HasPrefix(path, s.foreign) {
			s.t.Errorf("socket left behind: %s", path)
		}
	}
	for _, mark := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if text, err := os.ReadFile(s.log()); err != nil || bytes.Contains(text, []byte(mark)) {
			s.t.Errorf("%s in the supervisor's log (%v)", mark, err)
		}
	}
}

// processes are the supervisor, its commands, and whatever was born of its pool.
func (s *supervisor) processes() []int {
	return processesWith("FCGI_SUPERVISOR_POOL="+s.pool+"\x00", s.folder+"/")
}

// outcome is how a short command ended.
type outcome struct {
	stdout, stderr string
	code           int
}

// command runs the binary as a user at the terminal of this supervisor does.
func (s *supervisor) command(args ...string) outcome {
	return runCommand(binary, append(args, "--control", s.control())...)
}

// mustCommand is command for one that has to succeed.
func (s *supervisor) mustCommand(args ...string) string {
	s.t.Helper()
	o := s.command(args...)
	if o.code != 0 {
		s.t.Fatalf("%s: exit %d\n%s%s", strings.Join(args, " "), o.code, o.stdout, o.stderr)
	}
	return o.stdout
}

func runCommand(name string, args ...string) outcome { return runWithin(patience, name, args...) }

// runWithin ends the command, with code -1, when it takes longer.
func runWithin(limit time.Duration, name string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return outcome{stderr: err.Error(), code: -1}
	}
	deadline := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	deadline.Stop()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return outcome{stderr: err.Error(), code: -1}
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}
