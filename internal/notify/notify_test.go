package notify_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/notify"
)

// The protocol, against a socket that plays systemd's. Not covered: systemd itself
// (internal/boottest), and when things are said (internal/daemon).

// manager listens as a service manager does, under that name.
func manager(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return conn
}

func hear(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	text := make([]byte, 4096)
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

func find(t *testing.T) *notify.Manager {
	t.Helper()
	m, err := notify.Find()
	if err != nil || m == nil {
		t.Fatalf("found %v, %v", m, err)
	}
	return m
}

func TestMessages(t *testing.T) {
	abstract := fmt.Sprintf("@notify-test-%d", os.Getpid())
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), abstract} {
		conn := manager(t, name)
		m := find(t)
		for _, c := range []struct {
			say  func()
			want string
		}{
			{func() { m.Ready("all is well") }, "READY=1\nSTATUS=all is well"},
			{func() { m.Status("two\nlines\r\nREADY=1") }, "STATUS=two | lines | READY=1"},
			{func() { m.Alive() }, "WATCHDOG=1"},
			{func() { m.Extend(90 * time.Second) }, "EXTEND_TIMEOUT_USEC=90000000"},
			{func() { m.Stopping("draining", time.Second) }, "STOPPING=1\nEXTEND_TIMEOUT_USEC=1000000\nSTATUS=draining"},
		} {
			c.say()
			if got := hear(t, conn); got != c.want {
				t.Errorf("%s: said %q, want %q", name, got, c.want)
			}
		}
	}
}

// A time stamp from before the request, or in another datagram, is worth nothing
// to systemd.
func TestReloadingHasItsTime(t *testing.T) {
	conn := manager(t, filepath.Join(t.TempDir(), "notify"))
	m := find(t)
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &before); err != nil {
		t.Fatal(err)
	}
	m.Reloading()
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &after); err != nil {
		t.Fatal(err)
	}
	stamp, found := strings.CutPrefix(hear(t, conn), "RELOADING=1\nMONOTONIC_USEC=")
	usec, err := strconv.ParseInt(stamp, 10, 64)
	if !found || err != nil || usec < before.Nano()/1000 || usec > after.Nano()/1000 {
		t.Errorf("time stamp %q, want one from %d to %d", stamp, before.Nano()/1000, after.Nano()/1000)
	}
}

// READY of an earlier reload would end a later one in systemd's eyes.
func TestOnlyTheLastReloadIsAnnounced(t *testing.T) {
	conn := manager(t, filepath.Join(t.TempDir(), "notify"))
	m := find(t)
	first := m.Reloading()
	second := m.Reloading()
	m.Reloaded(first, "first")
	m.Reloaded(second, "second")
	hear(t, conn)
	hear(t, conn)
	if got := hear(t, conn); got != "READY=1\nSTATUS=second" {
		t.Errorf("heard %q after two reloads", got)
	}
}

func TestVariablesAreTakenAway(t *testing.T) {
	manager(t, filepath.Join(t.TempDir(), "notify"))
	t.Setenv("WATCHDOG_USEC", "3000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	m := find(t)
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if value, set := os.LookupEnv(name); set {
			t.Errorf("%s=%s is left for others", name, value)
		}
	}
	if got := m.WatchdogInterval(); got != 1500*time.Millisecond {
		t.Errorf("reports every %v, want half of 3 s", got)
	}
	if got := m.Environ(); len(got) != 3 || got[1] != "WATCHDOG_USEC=3000000" {
		t.Errorf("kept for a successor: %q", got)
	}
}

func TestWatchdogOfOthers(t *testing.T) {
	for usec, pid := range map[string]string{"1000000": "1", "": "", "-5": "", "nonsense": "", "0": ""} {
		t.Run(usec+"/"+pid, func(t *testing.T) {
			manager(t, filepath.Join(t.TempDir(), "notify"))
			t.Setenv("WATCHDOG_USEC", usec)
			t.Setenv("WATCHDOG_PID", pid)
			if got := find(t).WatchdogInterval(); got != 0 {
				t.Errorf("WATCHDOG_USEC=%q of pid %q: reports every %v", usec, pid, got)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if m, err := notify.Find(); m != nil || err != nil {
		t.Errorf("found %v, %v in an empty variable", m, err)
	}
	var none *notify.Manager
	none.Ready("")
	none.Alive()
	none.Reloaded(none.Reloading(), "")
	if none.WatchdogInterval() != 0 || none.Environ() != nil {
		t.Error("nobody asks for something")
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	find(t).Ready("to nobody") // neither waits nor fails
	t.Setenv("NOTIFY_SOCKET", "vsock:2:1")
	if _, err := notify.Find(); err == nil || !strings.Contains(err.Error(), `"vsock:2:1"`) {
		t.Errorf("an address that cannot be used: %v", err)
	}
}

// A manager that hangs must not hang us: its queue is full after some messages.
func TestManagerThatDoesNotRead(t *testing.T) {
	manager(t, filepath.Join(t.TempDir(), "notify"))
	m := find(t)
	began := time.Now()
	for time.Since(began) < time.Second { // until a message has waited in vain
		m.Alive()
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a message waited %v", took)
	}
}

// received is a message with its descriptors.
func received(t *testing.T, conn *net.UnixConn) (text string, fds []int) {
	t.Helper()
	buffer, control := make([]byte, 4096), make([]byte, 1024)
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, c, _, _, err := conn.ReadMsgUnix(buffer, control)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:c])
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if fds, err = unix.ParseUnixRights(&m); err != nil {
			t.Fatal(err)
		}
	}
	return string(buffer[:n]), fds
}

func TestStore(t *testing.T) {
	conn := manager(t, filepath.Join(t.TempDir(), "notify"))
	m := find(t)
	file, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m.Keep("name", int(file.Fd()))
	text, fds := received(t, conn)
	if text != "FDSTORE=1\nFDNAME=name" || len(fds) != 1 {
		t.Fatalf("said %q with descriptors %v", text, fds)
	}
	var ours, theirs unix.Stat_t
	if err := errors.Join(unix.Fstat(int(file.Fd()), &ours), unix.Fstat(fds[0], &theirs), unix.Close(fds[0])); err != nil || ours.Ino != theirs.Ino {
		t.Errorf("inode %d was sent and %d has come (%v)", ours.Ino, theirs.Ino, err)
	}
	m.Drop("name")
	if text, fds := received(t, conn); text != "FDSTOREREMOVE=1\nFDNAME=name" || fds != nil {
		t.Errorf("said %q with descriptors %v", text, fds)
	}
}

// What was dropped is closed when the manager has read so far: then it closes what
// came with the barrier.
func TestSettleWaitsForTheManager(t *testing.T) {
	conn := manager(t, filepath.Join(t.TempDir(), "notify"))
	m := find(t)
	began, settled := time.Now(), make(chan struct{})
	go func() { // ended by the close below
		m.Settle()
		close(settled)
	}()
	text, fds := received(t, conn)
	if text != "BARRIER=1" || len(fds) != 1 {
		t.Fatalf("said %q with descriptors %v", text, fds)
	}
	select {
	case <-settled:
		if took := time.Since(began); took < time.Second { // else we were too slow
			t.Errorf("it has waited for %v only", took)
		}
	default:
	}
	unix.Close(fds[0])
	select {
	case <-settled:
	case <-time.After(30 * time.Second):
		t.Error("it waits still")
	}
	m.Settle() // the manager reads nothing: not for ever
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	find(t).Settle()
	var none *notify.Manager
	none.Keep("", 0)
	none.Drop("")
	none.Settle()
}
