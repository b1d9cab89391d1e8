//go:build linux && (amd64 || arm64)

package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Not covered here: sock_diag (package listen), what a real FastCGI library does
// with its socket (the end-to-end tests), out-of-memory kills (the counter's file
// is the kernel's; its arithmetic is tested).

func TestNewbornFindsWhatWasOrdered(t *testing.T) {
	s := newStage(t)
	// As if we had been started badly: a signal ignored, one blocked, a
	// descriptor inherited.
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGHUP, syscall.SIGPIPE)
	stray, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(stray)

	spec := s.spec("describe")
	spec.Path = s.publicProgram()
	spec.Args = []string{"blog.fcgi", "--flag", "two words"}
	spec.Dir, spec.Umask, spec.NoNewPrivs = "/usr", 0o27, true
	nice := 5
	spec.Nice = &nice
	spec.Limits = []Limit{{unix.RLIMIT_NOFILE, 321}, {unix.RLIMIT_CORE, 0}}
	if os.Geteuid() == 0 {
		spec.Credential = &Credential{UID: 65534, GID: 65533, Groups: []uint32{65533, 65532}}
	}
	s.start(spec)
	var d description
	if err := json.Unmarshal([]byte(<-s.output), &d); err != nil {
		t.Fatal(err)
	}

	if len(d.FDs) != 3 || d.FDs[0] != fmt.Sprintf("0 socket:[%d]", s.inode) ||
		!strings.HasPrefix(d.FDs[1], "1 pipe:") || d.FDs[2][2:] != d.FDs[1][2:] {
		t.Errorf("descriptors: %q", d.FDs)
	}
	want := map[string]string{"Umask": "0027", "NoNewPrivs": "1", "SigBlk": "0000000000000000"}
	if os.Geteuid() == 0 {
		want["Uid"], want["Gid"], want["Groups"] = "65534\t65534\t65534\t65534", "65533\t65533\t65533\t65533", "65532 65533"
		want["CapEff"] = "0000000000000000"
	}
	for key, value := range want {
		if d.Status[key] != value {
			t.Errorf("%s is %q, want %q", key, d.Status[key], value)
		}
	}
	ignored, _ := strconv.ParseUint(d.Status["SigIgn"], 16, 64)
	if ignored != 0 {
		t.Errorf("ignored signals: %x", ignored)
	}
	if !slices.Equal(d.Env, spec.Env) || !slices.Equal(d.Args, spec.Args) || d.Dir != "/usr" {
		t.Errorf("environment %q, arguments %q, folder %q", d.Env, d.Args, d.Dir)
	}
	if !d.Session || !d.Blocking || d.Nice != 20-5 { // getpriority(2) returns 20-nice
		t.Errorf("own session %v, descriptor 0 blocking %v, nice %d", d.Session, d.Blocking, 20-d.Nice)
	}
	for _, limit := range []string{"Max open files            321                  321", "Max core file size        0                    0"} {
		if !strings.Contains(d.Limits, limit) {
			t.Errorf("limits lack %q:\n%s", limit, d.Limits)
		}
	}
}

func TestOwnMaskIsPutBack(t *testing.T) {
	s := newStage(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after uint64
	setMask(nil, &before)
	s.start(s.spec("accept"))
	setMask(nil, &after)
	if before != after {
		t.Fatalf("signal mask was %x and is %x", before, after)
	}
}

func TestStartErrorsSayWhichStep(t *testing.T) {
	s := newStage(t)
	script := s.path + ".fcgi"
	if err := os.WriteFile(script, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	plain := s.path + ".txt"
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*Spec)
		want   string
		errno  unix.Errno
	}{
		{func(x *Spec) { x.Path = "/no/such/program" }, "exec /no/such/program: no such file or directory", unix.ENOENT},
		{func(x *Spec) { x.Path = plain }, "exec " + plain + ": permission denied", unix.EACCES},
		{func(x *Spec) { x.Path = script }, "exec " + script + ": no such file or directory", unix.ENOENT},
		{func(x *Spec) { x.Dir = "/no/such/folder" }, "enter the directory /no/such/folder: no such file or directory", unix.ENOENT},
		{func(x *Spec) { x.Limits = []Limit{{99, 1}} }, "set resource limit 99 to 1: invalid argument", unix.EINVAL},
	} {
		spec := s.spec("accept")
		c.change(&spec)
		_, err := Start(spec, Hooks{})
		if err == nil || err.Error() != c.want || !errors.Is(err, c.errno) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if children := Children(os.Getpid()); len(children) != 0 {
		t.Errorf("failed starts left children: %v", children)
	}
}

func TestReadyIsSeen(t *testing.T) {
	for _, role := range []string{"accept", "epoll", "poll", "select", "stubborn"} {
		t.Run(role, func(t *testing.T) {
			s, other := newStage(t), newStage(t)
			p := s.start(s.spec(role))
			s.waiting(p)
			if ready, _ := Waiting(p.PID, other.inode); ready {
				t.Error("seen waiting on a socket that it does not have")
			}
		})
	}
}

func TestNotWaitingIsNotReady(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("sleep"))
	eventually(t, "the program sleeps", func() bool {
		stat, err := readStat(fmt.Sprintf("/proc/%d/stat", p.PID))
		return err == nil && stat.state == 'S'
	})
	if ready, err := Waiting(p.PID, s.inode); ready || err != nil {
		t.Fatalf("ready %v, %v", ready, err)
	}
}

// acceptedInodes are all sockets of the process but the listening one: here they
// stand in for what sock_diag would list.
func acceptedInodes(p *Process, s *stage) map[uint64]bool {
	inodes := map[uint64]bool{}
	for _, fd := range names(fmt.Sprintf("/proc/%d/fd", p.PID)) {
		if inode, ok := socketInode(fmt.Sprintf("/proc/%d/fd/%s", p.PID, fd)); ok && inode != s.inode {
			inodes[inode] = true
		}
	}
	return inodes
}

func TestAtRestIsWhoWaitsForTheClient(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("accept")) // it reads one byte of a connection, and answers it
	s.waiting(p)
	conn := s.connect()
	var connections map[uint64]bool
	eventually(t, "the connection is accepted", func() bool {
		connections = acceptedInodes(p, s)
		return len(connections) == 1
	})
	var before uint64
	eventually(t, "the worker is blocked reading it", func() bool {
		resting, progress := AtRest(p.PID, connections)
		before = progress
		return len(resting) == 1 && connections[resting[0]]
	})
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	s.waiting(p)
	if resting, progress := AtRest(p.PID, connections); len(resting) != 0 || progress == before {
		t.Fatalf("after a request: %v at rest, progress %d as before", resting, progress)
	}
}

// A Go program waits in epoll for everything at once: it does not show for what.
func TestWhoWaitsForManyThingsIsNeverAtRest(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("epoll"))
	s.waiting(p)
	s.connect()
	eventually(t, "the connection is accepted", func() bool { return len(acceptedInodes(p, s)) == 1 })
	s.waiting(p)
	if resting, _ := AtRest(p.PID, acceptedInodes(p, s)); len(resting) != 0 {
		t.Fatalf("%v at rest", resting)
	}
}

func TestRetireWaitsForTheRequest(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("epoll")) // a Go program dies of SIGTERM at once, whatever it is doing
	s.waiting(p)
	conn := s.connect()
	eventually(t, "the connection is accepted", func() bool { return len(acceptedInodes(p, s)) == 1 })

	looked, signalled := make(chan struct{}, 1000), make(chan struct{})
	p.Stop(StopPlan{Signal: unix.SIGTERM, Timeout: time.Hour, Signalled: func() { close(signalled) },
		Connections: func() (map[uint64]bool, error) {
			looked <- struct{}{}
			return acceptedInodes(p, s), nil
		}})
	for range 5 {
		<-looked
	}
	select {
	case <-signalled:
		t.Fatal("signalled in the middle of a request")
	default:
	}
	conn.Close()
	// The role keeps the connection open for ever: end the request by hand.
	p.Kill()
	if e := <-s.exit; e.Signal != unix.SIGKILL {
		t.Fatalf("ended as %s", e.Text())
	}
}

func TestRetireOfAnIdleWorkerIsImmediate(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("graceful"))
	s.waiting(p)
	conn := s.connect()
	eventually(t, "the connection is accepted", func() bool { return len(acceptedInodes(p, s)) == 1 })
	p.Stop(StopPlan{Signal: unix.SIGTERM, Timeout: time.Hour,
		Connections: func() (map[uint64]bool, error) { return acceptedInodes(p, s), nil }})
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1)
	if n, err := conn.Read(answer); n != 1 || err != nil {
		t.Fatalf("the request under way was lost: %v", err)
	}
	if e := <-s.exit; e.Code != 0 || e.Signal != 0 {
		t.Fatalf("ended as %s", e.Text())
	}
}

// Who is in a session of its own cannot be stopped with the worker.
func TestRetireWithAChildThatHasLeft(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("employer"))
	s.waiting(p)
	child := Children(p.PID)[0]
	t.Cleanup(func() { _ = unix.Kill(child, unix.SIGKILL) })
	p.Stop(StopPlan{Signal: unix.SIGTERM, Timeout: time.Hour,
		Connections: func() (map[uint64]bool, error) { return nil, nil }})
	var e Exit
	eventually(t, "the worker has ended", func() bool {
		select {
		case e = <-s.exit:
			return true
		default:
			return false
		}
	})
	if e.Code != 0 || e.Signal != 0 {
		t.Errorf("ended as %s", e.Text())
	}
}

func TestStoppedWorkerIsContinued(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("epoll"))
	s.waiting(p)
	first := true
	p.Stop(StopPlan{Signal: unix.SIGTERM, Timeout: time.Hour, Connections: func() (map[uint64]bool, error) {
		if first { // it looks idle, then is seen busy while it is stopped
			first = false
			return nil, nil
		}
		return nil, errors.New("netlink is gone")
	}})
	if e := <-s.exit; e.Signal != unix.SIGTERM {
		t.Fatalf("ended as %s: the worker was left stopped", e.Text())
	}
}

func TestWholeGroupEnds(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("stubborn"))
	s.waiting(p)
	var child int
	eventually(t, "the child is there", func() bool {
		if children := Children(p.PID); len(children) == 1 {
			child = children[0]
		}
		return child != 0
	})
	p.Stop(StopPlan{Signal: unix.SIGTERM, Timeout: 50 * time.Millisecond})
	if e := <-s.exit; e.Signal != unix.SIGKILL {
		t.Fatalf("ended as %s", e.Text())
	}
	eventually(t, "the grandchild that ignores SIGTERM is gone", func() bool {
		stat, err := readStat(fmt.Sprintf("/proc/%d/stat", child))
		return err != nil || stat.state == 'Z' // init's to reap
	})
}

func TestExitIsToldWithItsLastWords(t *testing.T) {
	s := newStage(t)
	s.start(s.spec("exit"))
	if out := <-s.output; out != "going\nwithout newline" {
		t.Errorf("output %q", out)
	}
	if e := <-s.exit; e.Code != 7 || !strings.HasPrefix(e.Text(), "exit code 7 after ") || e.Reason() != "exit_nonzero" {
		t.Errorf("exit %+v", e)
	}
}

func TestSignalIsToldByName(t *testing.T) {
	s := newStage(t)
	s.start(s.spec("abort"))
	if e := <-s.exit; !strings.HasPrefix(e.Text(), "killed by SIGTERM after ") || e.Reason() != "signal" {
		t.Errorf("exit %q", e.Text())
	}
}

func TestFloodArrivesWhole(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("flood"))
	s.waiting(p)
	p.Kill()
	lines := strings.Split(strings.TrimSuffix(<-s.output, "\n"), "\n")
	if len(lines) != 40_000 || !strings.HasPrefix(lines[39_999], "00039999 ") {
		t.Fatalf("%d lines, the last %.20q", len(lines), lines[len(lines)-1])
	}
}

func TestWorkerWithoutOutputCostsNothing(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("silent"))
	s.waiting(p)
	select {
	case <-p.output.done: // nobody is left who could write
	case <-time.After(20 * time.Second):
		t.Fatal("the reader goes on reading the end of the pipe")
	}
}

func TestNotifyTellsOnlyOfReady(t *testing.T) {
	s := newStage(t)
	n, err := NewNotify(1)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	spec := s.spec("notify")
	spec.Env = append(spec.Env, "NOTIFY_SOCKET="+n.Name)
	s.start(spec)
	if err := n.Wait(uint32(os.Geteuid())); err != nil {
		t.Fatal(err)
	}
}

func TestNotifyOfAStrangerIsIgnored(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can be another user here; the rule is checked where tests run as root")
		return
	}
	s := newStage(t)
	n, err := NewNotify(2)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	spec := s.spec("notify")
	spec.Env = append(spec.Env, "NOTIFY_SOCKET="+n.Name)
	spec.Credential = &Credential{UID: 65534, GID: 65534}
	spec.Path = s.publicProgram()
	s.start(spec)
	<-s.output
	spec.Credential = nil
	<-s.exit
	s.start(spec)
	<-s.output
	<-s.exit
	if err := n.Wait(1); err != nil { // root's word counts for every user
		t.Fatal(err)
	}
	if left := unread(t, n); left != 0 {
		t.Fatalf("the stranger's READY=1 was taken: %d bytes of root's are left", left)
	}
}

func unread(t *testing.T, n *Notify) int {
	t.Helper()
	raw, err := n.conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var bytes int
	if e := raw.Control(func(fd uintptr) { bytes, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	return bytes
}

func TestUsage(t *testing.T) {
	s := newStage(t)
	p := s.start(s.spec("accept"))
	s.waiting(p)
	u, there := UsageOf(p.PID, p.StartTicks)
	if !there || u.RSSBytes < 100_000 || u.Threads < 1 || !u.FDsKnown || u.FDs < 3 {
		t.Errorf("usage %+v, there %v", u, there)
	}
	if _, there := UsageOf(p.PID, p.StartTicks+1); there {
		t.Error("a process with another start time is taken for the worker")
	}
}

func TestNothingLeaks(t *testing.T) {
	s := newStage(t)
	count := func() int { return len(names("/proc/self/fd")) }
	before := count()
	for range 20 {
		p := s.start(s.spec("accept"))
		p.Kill()
		<-s.output
		<-s.exit
		_, _ = Start(Spec{Path: "/no/such/program", ListenFD: s.fd}, Hooks{})
	}
	if after := count(); after > before {
		t.Fatalf("%d descriptors before, %d after", before, after)
	}
}
