//go:build linux && (amd64 || arm64)

package worker

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// The test binary plays the workers: each role below is one kind of program.

const roleVariable = "WORKER_TEST_ROLE"

func TestMain(m *testing.M) {
	if role, ok := roles[os.Getenv(roleVariable)]; ok {
		role()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var roles = map[string]func(){
	"accept":   func() { serveBlocking(func() { pass(unix.Accept(0)) }) },
	"epoll":    serveEpoll,
	"poll":     func() { serveBlocking(pollOnce) },
	"select":   func() { serveBlocking(selectOnce) },
	"graceful": graceful,
	"stubborn": stubborn,
	"employer": employer,
	"child":    sleepDeaf,
	"sleep":    func() { time.Sleep(time.Hour) },
	"describe": describe,
	"flood":    flood,
	"silent":   silent,
	"exit":     func() { fmt.Fprintln(os.Stderr, "going"); fmt.Print("without newline"); os.Exit(7) },
	"abort":    func() { signal.Reset(); _ = unix.Kill(os.Getpid(), unix.SIGTERM); time.Sleep(time.Hour) },
	"notify":   notify,
	"keeper":   keeper,
	"chatty":   chatty,
}

func pass(fd int, _ unix.Sockaddr, err error) {
	if err == nil {
		hold(fd)
	}
}

// hold keeps a connection until the client has sent a byte, and answers it.
func hold(fd int) {
	buffer := make([]byte, 1)
	if n, _ := unix.Read(fd, buffer); n == 1 {
		_, _ = unix.Write(fd, buffer)
	}
	unix.Close(fd)
}

func serveBlocking(wait func()) {
	runtime.LockOSThread()
	for {
		wait()
	}
}

func pollOnce() {
	_, _ = unix.Poll([]unix.PollFd{{Fd: 1, Events: 0}, {Fd: 0, Events: unix.POLLIN}}, -1)
	pass(unix.Accept(0))
}

func selectOnce() {
	var set unix.FdSet
	set.Set(0)
	_, _ = unix.Select(1, &set, nil, nil, nil)
	pass(unix.Accept(0))
}

// serveEpoll is any Go program: the runtime's poller waits for it.
func serveEpoll() {
	listener, err := net.FileListener(os.Stdin)
	for err == nil {
		_, err = listener.Accept()
	}
}

// graceful finishes its request on SIGTERM, as libfcgi does.
func graceful() {
	stopping := make(chan os.Signal, 1)
	signal.Notify(stopping, syscall.SIGTERM)
	go func() { <-stopping; os.Exit(0) }()
	serveBlocking(func() { pass(unix.Accept(0)) })
}

// stubborn ignores SIGTERM, and so does its child.
func stubborn() {
	signal.Ignore(syscall.SIGTERM)
	bear(&syscall.SysProcAttr{})
	serveBlocking(func() { pass(unix.Accept(0)) })
}

// employer has begun something in the background, in a session of its own.
func employer() {
	bear(&syscall.SysProcAttr{Setsid: true})
	graceful()
}

func bear(how *syscall.SysProcAttr) {
	self, err := os.Executable()
	if err != nil {
		os.Exit(3)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), roleVariable+"=child")
	child.Stdin, child.SysProcAttr = os.Stdin, how
	if err := child.Start(); err != nil {
		os.Exit(3)
	}
	fmt.Println("child", child.Process.Pid)
}

func sleepDeaf() {
	signal.Ignore(syscall.SIGTERM)
	time.Sleep(time.Hour)
}

// description is what a newborn finds.
type description struct {
	FDs      []string
	Env      []string
	Args     []string
	Dir      string
	Status   map[string]string // /proc/self/status
	Limits   string
	Nice     int
	Session  bool // it leads a session of its own
	Blocking bool // descriptor 0
}

func describe() {
	d := description{Env: os.Environ(), Args: os.Args, Status: map[string]string{}}
	d.Dir, _ = os.Getwd()
	list, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range list {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		// What the Go runtime opens for itself before main is not inherited.
		runtimeOwn := strings.HasPrefix(target, "/proc/") || strings.HasPrefix(target, "anon_inode") || strings.HasPrefix(target, "/sys/fs/cgroup/")
		if err == nil && !runtimeOwn {
			d.FDs = append(d.FDs, entry.Name()+" "+target)
		}
	}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.SplitSeq(string(status), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok {
			d.Status[key] = strings.TrimSpace(value)
		}
	}
	limits, _ := os.ReadFile("/proc/self/limits")
	d.Limits = string(limits)
	d.Nice, _ = unix.Getpriority(unix.PRIO_PROCESS, 0)
	session, _ := unix.Getsid(0)
	d.Session = session == os.Getpid() && unix.Getpgrp() == os.Getpid()
	flags, _ := unix.FcntlInt(0, unix.F_GETFL, 0)
	d.Blocking = flags&unix.O_NONBLOCK == 0
	_ = json.NewEncoder(os.Stdout).Encode(d)
}

// flood writes 4 MB of whole numbered lines, then waits.
func flood() {
	for i := range 40_000 {
		fmt.Fprintf(os.Stderr, "%08d %s\n", i, strings.Repeat("x", 90))
	}
	serveBlocking(func() { pass(unix.Accept(0)) })
}

// silent closes what it writes on, and serves.
func silent() {
	unix.Close(1)
	unix.Close(2)
	serveBlocking(func() { pass(unix.Accept(0)) })
}

func notify() {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		os.Exit(4)
	}
	_, _ = conn.Write([]byte("STATUS=loading"))
	_, _ = conn.Write([]byte("STATUS=done\nREADY=1\n"))
}

// stage is a listening socket and what is needed to put a role on it.
type stage struct {
	t      *testing.T
	fd     int
	inode  uint64
	path   string
	output chan string // everything the worker wrote, when it has ended
	exit   chan Exit
}

func newStage(t *testing.T) *stage {
	t.Helper()
	folder, err := os.MkdirTemp("", "worker")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, path: filepath.Join(folder, "s"), output: make(chan string, 1), exit: make(chan Exit, 1)}
	if s.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(s.fd) })
	if err := unix.Bind(s.fd, &unix.SockaddrUnix{Name: s.path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(s.fd, 64); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		t.Fatal(err)
	}
	s.inode = st.Ino
	return s
}

// program is the test binary itself.
func program(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// publicProgram is a copy that every user may execute: go test keeps its own in a
// private folder.
func (s *stage) publicProgram() string {
	s.t.Helper()
	text, err := os.ReadFile(program(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(s.path), "program")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *stage) spec(role string) Spec {
	return Spec{Path: program(s.t), Args: []string{"worker"}, Env: []string{roleVariable + "=" + role, "GOTRACEBACK=none"},
		Umask: 0o22, ListenFD: s.fd}
}

// start puts the role on the stage; it is gone when the test is.
func (s *stage) start(spec Spec) *Process {
	s.t.Helper()
	var written strings.Builder
	p, err := Start(spec, Hooks{
		Output: func(chunk []byte, _ bool) int { written.Write(chunk); return len(chunk) },
		Exited: func(e Exit) { s.output <- written.String(); s.exit <- e },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { p.Kill(); <-p.Gone() })
	return p
}

// eventually polls a condition that the kernel brings about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func (s *stage) waiting(p *Process) {
	s.t.Helper()
	eventually(s.t, "the worker waits for a connection", func() bool {
		ready, err := Waiting(p.PID, s.inode)
		if err != nil {
			s.t.Fatal(err)
		}
		return ready
	})
}

// connect returns a client's connection that is in the queue or accepted.
func (s *stage) connect() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("unix", s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn
}
