//go:build linux && (amd64 || arm64)

package worker

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Found is a process that was found by its environment.
type Found struct {
	PID        int
	StartTicks uint64
	Parent     int
	Group      int
	UID        uint32            // its real user, who could have written its environment
	Env        map[string]string // as the process was started
}

// Find lists the processes that were started with that variable, "K=V", in their
// environment, as far as we may look into them, proc_pid_environ(5).
func Find(variable string) []Found {
	var found []Found
	for _, name := range names("/proc") {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + name + "/environ")
		if err != nil || !bytes.Contains(text, []byte(variable)) {
			continue
		}
		env := environment(string(text))
		key, value, _ := strings.Cut(variable, "=")
		if env[key] != value {
			continue
		}
		if f, ok := foundAt(pid, env); ok {
			found = append(found, f)
		}
	}
	return found
}

func environment(text string) map[string]string {
	env := map[string]string{}
	for _, entry := range strings.Split(text, "\x00") {
		if key, value, ok := strings.Cut(entry, "="); ok {
			env[key] = value
		}
	}
	return env
}

func foundAt(pid int, env map[string]string) (Found, bool) {
	s, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || s.state == 'Z' {
		return Found{}, false
	}
	text, err := readProc(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, ok := bytes.Cut(text, []byte("\nUid:\t"))
	if err != nil || !ok {
		return Found{}, false
	}
	digits, _, _ := bytes.Cut(rest, []byte("\t"))
	uid, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil {
		return Found{}, false
	}
	return Found{PID: pid, StartTicks: s.startTicks, Parent: s.parent, Group: s.group, UID: uint32(uid), Env: env}, true
}

// TicksNow is the present moment as StartTicks count it: clock ticks since boot.
func TicksNow() uint64 {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	seconds, _, _ := strings.Cut(string(text), " ")
	uptime, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return 0
	}
	return uint64(uptime * clockTicks)
}
