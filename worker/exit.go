package worker

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Exit is how a worker ended.
type Exit struct {
	At       time.Time
	Lived    time.Duration // from spawn to end
	Code     int           // exit status; meaningless when Signal is set
	Signal   syscall.Signal
	Core     bool     // a core file was written
	OOM      bool     // SIGKILL, and the kernel counted an out-of-memory kill
	Unknown  bool     // how it ended was told to another process, its parent
	StartErr string   // why it could not be started; empty: it was
	Note     string   // what else was found out about the end; may be empty
	Output   []string // the last lines it wrote, oldest first
}

// Text says the end in words: "exit code 1 after 3m2s",
// "killed by SIGKILL (out of memory) after 5s".
func (e Exit) Text() string {
	after := " after " + Span(e.Lived)
	if e.Note != "" {
		after += "; " + e.Note
	}
	switch {
	case e.StartErr != "":
		return e.StartErr
	case e.Unknown:
		return "ended" + after + "; how was not told to us, who did not start it"
	case e.OOM:
		return "killed by SIGKILL (out of memory)" + after
	case e.Signal != 0 && e.Core:
		return "killed by " + SignalName(e.Signal) + " (core dumped)" + after
	case e.Signal != 0:
		return "killed by " + SignalName(e.Signal) + after
	}
	return fmt.Sprintf("exit code %d%s", e.Code, after)
}

// Reason is the short form that counters are labelled with: exit_0,
// exit_nonzero, signal, oom, start_error or unknown.
func (e Exit) Reason() string {
	switch {
	case e.StartErr != "":
		return "start_error"
	case e.Unknown:
		return "unknown"
	case e.OOM:
		return "oom"
	case e.Signal != 0:
		return "signal"
	case e.Code == 0:
		return "exit_0"
	}
	return "exit_nonzero"
}

// SignalName is the name as kill -l knows it, with SIG in front; real-time
// signals and unknown ones are "signal 42".
func SignalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(s))
}

// Span is a duration as a person says it: 840µs, 12ms, 3.2s, 3m2s, 5h10m, 12d4h.
func Span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 24*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	days := int(d / (24 * time.Hour))
	return fmt.Sprintf("%dd%dh", days, int((d-time.Duration(days)*24*time.Hour)/time.Hour))
}
