package notify

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a message waits for a manager that reads nothing.
const patience = time.Second

// variables are how a service manager tells where it listens (sd_notify(3)) and
// how often it wants to hear of us (sd_watchdog_enabled(3)).
var variables = []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}

// Manager is the service manager that started us. A nil *Manager is none: what is
// told to it goes nowhere. Its methods may be called from any goroutine.
type Manager struct {
	address  *net.UnixAddr
	watchdog time.Duration
	environ  []string

	// A mutex, because the order of RELOADING and READY is what the manager goes
	// by, and both come from goroutines that do not wait for each other.
	mu      sync.Mutex
	reloads int // RELOADING messages so far
}

// Find takes the manager's variables out of the environment, so that nothing
// started later takes them for its own. It returns nil where there is no manager,
// and an error where its address cannot be used.
func Find() (*Manager, error) {
	m := &Manager{}
	values := map[string]string{}
	for _, name := range variables {
		value, set := os.LookupEnv(name)
		if !set {
			continue
		}
		values[name] = value
		m.environ = append(m.environ, name+"="+value)
		os.Unsetenv(name)
	}
	socket := values["NOTIFY_SOCKET"]
	switch {
	case socket == "":
		return nil, nil
	case socket[0] != '/' && socket[0] != '@':
		return nil, fmt.Errorf("tell the service manager: NOTIFY_SOCKET is %q, want a path or @NAME (sd_notify(3))", socket)
	}
	m.address = &net.UnixAddr{Name: socket, Net: "unixgram"}
	m.watchdog = watchdog(values["WATCHDOG_USEC"], values["WATCHDOG_PID"])
	return m, nil
}

// watchdog is how often to report: twice in the time after which the manager takes
// us for hung. 0: it does not ask for it, or not of this process.
func watchdog(usec, pid string) time.Duration {
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(n) * time.Microsecond / 2
}

// Environ are the variables as NAME=VALUE, for a program that takes our place by
// execve(2) and is the manager's service then.
func (m *Manager) Environ() []string {
	if m == nil {
		return nil
	}
	return m.environ
}

// WatchdogInterval is how often Alive is to be called; 0: never.
func (m *Manager) WatchdogInterval() time.Duration {
	if m == nil {
		return 0
	}
	return m.watchdog
}

// Ready says that the start is over, and how it went.
func (m *Manager) Ready(status string) { m.send("READY=1", statusLine(status)) }

// Status is the line that `systemctl status` shows.
func (m *Manager) Status(status string) { m.send(statusLine(status)) }

// Alive answers the watchdog.
func (m *Manager) Alive() { m.send("WATCHDOG=1") }

// Extend asks for more time to start or to stop: from now, this long.
func (m *Manager) Extend(by time.Duration) { m.send(extension(by)) }

// Stopping says that the end has begun and may take this long.
func (m *Manager) Stopping(status string, within time.Duration) {
	m.send("STOPPING=1", extension(within), statusLine(status))
}

// Reloading says that a reload begins. The time stamp tells a manager that has
// sent SIGHUP that this reload is a later one (Type=notify-reload of
// systemd.service(5), from version 253); it must be in the same datagram. The
// number returned is for Reloaded.
func (m *Manager) Reloading() int {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reloads++
	m.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(monotonic().Microseconds(), 10))
	return m.reloads
}

// Reloads is the number of the latest reload, to be taken before it is done.
func (m *Manager) Reloads() int {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reloads
}

// Reloaded says that the reload of that number is over, unless a later one has
// begun: READY now would be taken for the end of that one.
func (m *Manager) Reloaded(number int, status string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if number == m.reloads {
		m.Ready(status)
	}
}

// send sends one datagram. An error has nobody to be told to: the manager that
// would want to know is gone.
func (m *Manager) send(lines ...string) { _ = m.sendWith(nil, lines...) }

// sendWith is send with descriptors. The socket is opened for each message, as
// libsystemd does it: a manager that was executed anew listens on another. Package
// net sends no descriptors on a connected datagram socket, hence sendmsg(2).
func (m *Manager) sendWith(fds []int, lines ...string) error {
	if m == nil {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, m.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	waiting := raw.Write(func(fd uintptr) bool {
		err = syscall.Sendmsg(int(fd), []byte(strings.Join(lines, "\n")), control(fds), nil, 0)
		return err != syscall.EAGAIN
	})
	return errors.Join(err, waiting)
}

// statusLine keeps a text from being read as further lines of the protocol.
func statusLine(text string) string {
	return "STATUS=" + strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " | ")
}

func extension(by time.Duration) string {
	return "EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(by.Microseconds(), 10)
}
