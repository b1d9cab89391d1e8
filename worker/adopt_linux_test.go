//go:build linux && (amd64 || arm64)

package worker

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Not covered here: who is to be taken back, and that no request is lost by it;
// see internal/executor and the end-to-end tests.

// keeper is a supervisor that starts one worker, says which, takes the first of
// its lines and then nothing any more.
func keeper() {
	runtime.LockOSThread()
	socket, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		panic(err)
	}
	self, _ := os.Executable()
	spec := Spec{Path: self, Args: []string{"worker"}, Env: []string{roleVariable + "=" + os.Getenv("KEPT")}, Umask: 0o22, ListenFD: socket}
	first := true
	p, err := Start(spec, Hooks{Exited: func(Exit) {}, Output: func(chunk []byte, _ bool) int {
		if !first {
			return 0
		}
		first = false
		return strings.IndexByte(string(chunk), '\n') + 1
	}})
	if err != nil {
		panic(err)
	}
	fmt.Println(p.PID, p.StartTicks)
	for os.Getenv("KEPT") == "chatty" {
		if left, _ := unix.IoctlGetInt(p.Pipe(), unix.TIOCINQ); left == len("two\nthr") {
			fmt.Println("took a line")
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Hour)
}

// chatty writes before it waits and after every client.
func chatty() {
	fmt.Print("one\ntwo\nthr")
	runtime.LockOSThread()
	for {
		pass(unix.Accept(0))
		fmt.Println("ee")
	}
}

// orphan starts a keeper with a worker of that role, waits until the worker waits,
// and kills the keeper.
func (s *stage) orphan(role string) (pid int, ticks uint64) {
	s.t.Helper()
	cmd := exec.Command(program(s.t))
	cmd.Env = []string{roleVariable + "=keeper", "KEPT=" + role}
	cmd.Stdin = os.NewFile(uintptr(dup(s.t, s.fd)), "socket")
	said, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	says := bufio.NewReader(said)
	for written := role == "chatty"; written || pid == 0; {
		line, err := says.ReadString('\n')
		if _, notPID := fmt.Sscan(line, &pid, &ticks); err != nil || notPID != nil && line != "took a line\n" {
			s.t.Fatalf("the keeper says %q", line)
		}
		written = written && line != "took a line\n"
	}
	s.t.Cleanup(func() { _ = unix.Kill(-pid, unix.SIGKILL) })
	eventually(s.t, "the worker waits", func() bool {
		ready, err := Waiting(pid, s.inode)
		return err == nil && ready
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return pid, ticks
}

func dup(t *testing.T, fd int) int {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestAdoptedWorkerGoesOn(t *testing.T) {
	s := newStage(t)
	pid, ticks := s.orphan("chatty")
	p, err := Adopt(Orphan{PID: pid, StartTicks: ticks, StartedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := p.Descriptor(0)
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(socket, &st); err != nil || st.Ino != s.inode {
		t.Errorf("descriptor 0 is socket %d, want %d", st.Ino, s.inode)
	}
	unix.Close(socket)
	var written strings.Builder
	p.Mind(Hooks{Output: func(chunk []byte, _ bool) int { written.Write(chunk); return len(chunk) },
		Exited: func(e Exit) { s.output <- written.String(); s.exit <- e }})
	s.served()
	s.waiting(p) // it has written what it writes after a client
	p.Stop(StopPlan{Signal: unix.SIGTERM, Timeout: time.Hour})
	if out := <-s.output; out != "two\nthree\n" {
		t.Errorf("output %q: what was not taken waits, what was taken does not come again", out)
	}
	if e := <-s.exit; !e.Unknown && e.Code != 2 && e.Signal != unix.SIGTERM {
		t.Errorf("ended as %+v", e)
	}
	<-p.Gone()
}

// served has a client be served, which shows that the worker runs.
func (s *stage) served() {
	s.t.Helper()
	conn := s.connect()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write([]byte("x")); err != nil {
		s.t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 1 {
		s.t.Fatalf("not served: %v", err)
	}
}

func TestStoppedOrphanIsContinued(t *testing.T) {
	s := newStage(t)
	pid, ticks := s.orphan("accept")
	_ = unix.Kill(-pid, unix.SIGSTOP)
	p, err := Adopt(Orphan{PID: pid, StartTicks: ticks, StartedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	p.Mind(Hooks{Output: func(chunk []byte, _ bool) int { return len(chunk) }, Exited: func(e Exit) { s.exit <- e }})
	s.served()
	p.Kill()
	if e := <-s.exit; !e.Unknown && e.Signal != unix.SIGKILL {
		t.Errorf("ended as %+v", e)
	}
	<-p.Gone()
}

func TestOnlyTheVeryProcessIsAdopted(t *testing.T) {
	s := newStage(t)
	pid, ticks := s.orphan("accept")
	if _, err := Adopt(Orphan{PID: pid, StartTicks: ticks + 1, StartedAt: time.Now()}); !errors.Is(err, ErrGone) {
		t.Errorf("a process that was started at another time: %v", err)
	}
	_ = unix.Kill(pid, unix.SIGKILL)
	eventually(t, "it is gone", func() bool {
		p, err := Adopt(Orphan{PID: pid, StartTicks: ticks, StartedAt: time.Now()})
		if err == nil {
			p.Abandon()
		}
		return errors.Is(err, ErrGone)
	})
}

func TestUnfinishedLinesWaitInThePipe(t *testing.T) {
	s := newStage(t)
	var seen []string
	sees := make(chan struct{}, 100)
	p, err := Start(s.spec("chatty"), Hooks{Exited: func(e Exit) { s.exit <- e }, Output: func(chunk []byte, last bool) int {
		seen = append(seen, string(chunk))
		sees <- struct{}{}
		if last {
			return len(chunk)
		}
		return strings.LastIndexByte(string(chunk), '\n') + 1
	}})
	if err != nil {
		t.Fatal(err)
	}
	<-sees
	s.waiting(p)
	s.served()
	s.waiting(p)
	p.Kill()
	<-s.exit
	<-p.Gone()
	if all := strings.Join(seen, "|"); !strings.HasSuffix(all, "|three\n") {
		t.Errorf("saw %q", all)
	}
}
