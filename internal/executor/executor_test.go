package executor

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/supervisor"
)

// Orders in, facts out, with real sockets and real processes: the test binary
// plays the workers. Not covered here: what the loop makes of the facts, FastCGI
// (the end-to-end tests), users other than ours.

func TestMain(m *testing.M) {
	if role := roles[os.Getenv("EXECUTOR_TEST_ROLE")]; role != nil {
		role()
		return
	}
	goleak.VerifyTestMain(m)
}

var roles = map[string]func(){
	"serve":   serve,
	"read":    readOne,
	"pwd":     func() { folder, _ := os.Getwd(); fmt.Println(folder); serve() },
	"daemon":  makeDaemon,
	"escaped": func() { _, _ = unix.Setsid(); serve() },
	"fail":    func() { fmt.Println("no module named app") },
}

// serve accepts connections and keeps them open.
func serve() {
	runtime.LockOSThread()
	for {
		if _, _, err := unix.Accept(0); err != nil {
			return
		}
	}
}

// readOne accepts one connection and waits for what its client says.
func readOne() {
	runtime.LockOSThread()
	conn, _, err := unix.Accept(0)
	for err == nil {
		_, err = unix.Read(conn, make([]byte, 1))
	}
}

// makeDaemon forks away, as a program does that was written for an init script.
func makeDaemon() {
	self, _ := os.Executable()
	child := exec.Command(self)
	child.Env = append(os.Environ(), "EXECUTOR_TEST_ROLE=escaped")
	child.Stdin = os.Stdin
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if child.Start() != nil {
		return
	}
	for !waits(child.Process.Pid) { // the parent of a daemon ends when the daemon is up
		runtime.Gosched()
	}
}

func waits(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
	return err == nil && strings.HasPrefix(string(text), fmt.Sprint(unix.SYS_ACCEPT4)+" 0x0 ")
}

type stage struct {
	t      *testing.T
	folder string
	e      *Executor
	facts  chan supervisor.Fact
	store  *shelf
}

// set builds an executor with one pool, blog, whose workers play the role.
func set(t *testing.T, role string) *stage {
	t.Helper()
	folder, err := os.MkdirTemp("", "executor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "7"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("7", filepath.Join(folder, "current")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.FromFlags(config.Flags{Command: []string{self}, Values: map[string][]string{
		"name": {"blog"}, "listen": {"unix:" + filepath.Join(folder, "s")}, "runtime-dir": {folder},
		"directory": {filepath.Join(folder, "current")}, "env": {"EXECUTOR_TEST_ROLE=" + role}, "stop-timeout": {"5s"}}})
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.NewLog(null, logs.Text, slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, folder: folder, facts: make(chan supervisor.Fact, 100), store: newShelf()}
	s.e = New(cfg.Pools, log, folder, "test", s.store)
	s.e.Run(func(f supervisor.Fact) bool { s.facts <- f; return true })
	t.Cleanup(func() {
		s.e.Close(context.Background())
		_ = log.Close(context.Background())
		null.Close()
	})
	s.e.Do(supervisor.Bind{Pool: "blog"})
	if f := next[supervisor.Bound](s); f.Err != nil {
		t.Fatal(f.Err)
	}
	return s
}

// next returns the next fact, which must be of that kind.
func next[F supervisor.Fact](s *stage) F {
	s.t.Helper()
	select {
	case f := <-s.facts:
		if f, ok := f.(F); ok {
			return f
		}
		s.t.Fatalf("fact %#v", f)
	case <-time.After(20 * time.Second):
		s.t.Fatal("no fact")
	}
	panic("unreachable")
}

func (s *stage) start(id supervisor.ID) supervisor.Started {
	s.t.Helper()
	s.e.Do(supervisor.Start{Pool: "blog", ID: id, Slot: int(id) - 1, Generation: 1})
	started := next[supervisor.Started](s)
	if ready := next[supervisor.Ready](s); ready.ID != id {
		s.t.Fatalf("worker %d is ready, want %d", ready.ID, id)
	}
	return started
}

func (s *stage) end(id supervisor.ID) {
	s.t.Helper()
	s.e.Do(supervisor.Kill{Pool: "blog", ID: id})
	next[supervisor.Exited](s)
}

func (s *stage) unbind() {
	s.t.Helper()
	s.e.Do(supervisor.Unbind{Pool: "blog"})
	next[supervisor.Unbound](s)
}

func TestFromBindToUnbind(t *testing.T) {
	s := set(t, "serve")
	s.start(1)
	s.e.Do(supervisor.Stop{Pool: "blog", ID: 1})
	for range 2 { // in either order: a worker may be gone before we have said that we asked it
		switch f := (<-s.facts).(type) {
		case supervisor.Signalled:
		case supervisor.Exited:
			if f.Exit.Signal != unix.SIGTERM {
				t.Errorf("ended as %s", f.Exit.Text())
			}
		default:
			t.Fatalf("fact %#v", f)
		}
	}
	s.e.Do(supervisor.Hide{Pool: "blog", Deadline: time.Now().Add(time.Hour)})
	next[supervisor.Hidden](s)
	if _, err := os.Lstat(filepath.Join(s.folder, "s")); err == nil {
		t.Error("the hidden socket has its name still")
	}
	s.unbind()
}

func TestHideWaitsForTheQueue(t *testing.T) {
	s := set(t, "serve")
	conn, err := net.Dial("unix", filepath.Join(s.folder, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.e.Do(supervisor.Hide{Pool: "blog", Deadline: time.Now().Add(time.Hour)})
	s.e.Do(supervisor.Start{Pool: "blog", ID: 1, Generation: 1}) // who empties it
	seen := map[string]bool{}
	for range 3 {
		switch f := (<-s.facts).(type) {
		case supervisor.Hidden:
			if !seen["started"] {
				t.Error("hidden while a client waits and nobody has accepted it")
			}
		case supervisor.Started:
			seen["started"] = true
		case supervisor.Ready:
		default:
			t.Fatalf("fact %#v", f)
		}
	}
	s.end(1)
	s.unbind()
}

func TestFolderIsResolvedOncePerGeneration(t *testing.T) {
	s := set(t, "pwd")
	s.start(1)
	if err := os.Mkdir(filepath.Join(s.folder, "8"), 0o755); err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(s.folder, "next")
	if err := os.Symlink("8", next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(s.folder, "current")); err != nil {
		t.Fatal(err)
	}
	s.start(2)
	s.e.Do(supervisor.Start{Pool: "blog", ID: 3, Slot: 2, Generation: 2})
	for range 2 { // started, ready
		<-s.facts
	}
	for id := range supervisor.ID(3) {
		s.end(id + 1)
	}
	var folders []string
	for _, line := range s.e.Output("blog").Tail(-1) {
		folders = append(folders, filepath.Base(string(line.Text)))
	}
	if got := strings.Join(folders, " "); got != "7 7 8" {
		t.Errorf("workers ran in %q, want the old release twice, then the new one", got)
	}
	s.unbind()
}

func TestStoppedPoolIsLookedUpAnew(t *testing.T) {
	s := set(t, "pwd")
	s.start(1)
	s.end(1)
	s.unbind()
	if err := os.Mkdir(filepath.Join(s.folder, "8"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.folder, "current")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("8", filepath.Join(s.folder, "current")); err != nil {
		t.Fatal(err)
	}
	s.e.Do(supervisor.Bind{Pool: "blog"})
	next[supervisor.Bound](s)
	s.start(2)
	s.end(2)
	if lines := s.e.Output("blog").Tail(1); len(lines) != 1 || filepath.Base(string(lines[0].Text)) != "8" {
		t.Errorf("after a stop and a start it runs in %v, want the new release", lines)
	}
	s.unbind()
}

func TestFailedStartTellsWhoIsToBlame(t *testing.T) {
	s := set(t, "serve")
	script := filepath.Join(s.folder, "app.fcgi")
	if err := os.WriteFile(script, []byte("#!/no/such/python\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.e.all()["blog"].cfg.Command = []string{script}
	s.e.Do(supervisor.Start{Pool: "blog", ID: 1, Generation: 1})
	f := next[supervisor.Exited](s)
	if f.Exit.StartErr == "" || !strings.Contains(f.Exit.Text(), "/no/such/python") {
		t.Errorf("got %q, want the interpreter named", f.Exit.Text())
	}
	s.unbind()
}

func TestLastWordsAreReported(t *testing.T) {
	s := set(t, "fail")
	s.e.Do(supervisor.Start{Pool: "blog", ID: 1, Generation: 1})
	next[supervisor.Started](s)
	if f := next[supervisor.Exited](s); len(f.Exit.Output) != 1 || f.Exit.Output[0] != "no module named app" {
		t.Errorf("last words %q", f.Exit.Output)
	}
	s.unbind()
}

func TestDaemonIsFoundAndEnded(t *testing.T) {
	s := set(t, "daemon")
	s.e.Do(supervisor.Start{Pool: "blog", ID: 1, Generation: 1})
	next[supervisor.Started](s)
	f := next[supervisor.Exited](s)
	if !strings.Contains(f.Exit.Text(), "it made itself a daemon") {
		t.Errorf("got %q", f.Exit.Text())
	}
	s.unbind()
	if left := s.orphansLeft(); left > 0 {
		t.Errorf("%d processes left", left)
	}
}

// orphansLeft waits until the killed ones are reaped.
func (s *stage) orphansLeft() int {
	s.t.Helper()
	left := make(chan int)
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		s.e.push(func() { left <- len(s.e.orphans.list(s.e.born)) })
		if n := <-left; n == 0 || time.Now().After(deadline) {
			return n
		}
	}
}

func TestObserveCountsWhatIsThere(t *testing.T) {
	s := set(t, "serve")
	started := s.start(1)
	snapshot := &supervisor.Snapshot{At: time.Now(), Pools: []*supervisor.PoolStatus{{Name: "blog",
		Workers: []*supervisor.WorkerStatus{{ID: 1, PID: started.PID, StartTicks: started.StartTicks}}}}}
	if busy := s.e.Observe(snapshot).Workers[1].Busy; busy == nil || *busy {
		t.Error("an idle worker is not seen idle")
	}
	for range 3 {
		conn, err := net.Dial("unix", filepath.Join(s.folder, "s"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		o := s.e.Observe(snapshot)
		pool, worker := o.Pools["blog"], o.Workers[1]
		if *pool.Connections == 3 && *pool.Queue == 0 && *worker.Busy && worker.BusySince.Equal(snapshot.At) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("connections %d, queue %d, busy %v since %v", *pool.Connections, *pool.Queue, *worker.Busy, worker.BusySince)
		}
	}
	s.end(1)
	s.unbind()
}
