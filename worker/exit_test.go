package worker

import (
	"syscall"
	"testing"
	"time"
)

func TestExitText(t *testing.T) {
	for _, c := range []struct {
		exit         Exit
		text, reason string
	}{
		{Exit{Code: 1, Lived: 3*time.Minute + 2*time.Second}, "exit code 1 after 3m2s", "exit_nonzero"},
		{Exit{Lived: 840 * time.Microsecond}, "exit code 0 after 840µs", "exit_0"},
		{Exit{Signal: syscall.SIGSEGV, Lived: 5 * time.Second}, "killed by SIGSEGV after 5s", "signal"},
		{Exit{Signal: syscall.SIGABRT, Core: true, Lived: 12 * time.Millisecond}, "killed by SIGABRT (core dumped) after 12ms", "signal"},
		{Exit{Signal: syscall.SIGKILL, OOM: true, Lived: 26 * time.Hour}, "killed by SIGKILL (out of memory) after 1d2h", "oom"},
		{Exit{Signal: 40, Lived: time.Second}, "killed by signal 40 after 1s", "signal"},
		{Exit{Lived: time.Second, Note: "it forked away"}, "exit code 0 after 1s; it forked away", "exit_0"},
		{Exit{StartErr: "exec /x: permission denied"}, "exec /x: permission denied", "start_error"},
	} {
		if got := c.exit.Text(); got != c.text {
			t.Errorf("got %q, want %q", got, c.text)
		}
		if got := c.exit.Reason(); got != c.reason {
			t.Errorf("%s: reason %q, want %q", c.text, got, c.reason)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 123456: "120µs", 4_560_000: "5ms", 1234 * time.Millisecond: "1.2s", 61 * time.Second: "1m1s",
		5*time.Hour + 10*time.Minute + 3*time.Second: "5h10m", 300 * time.Hour: "12d12h",
	} {
		if got := Span(d); got != want {
			t.Errorf("Span(%v) = %q, want %q", int64(d), got, want)
		}
	}
}
