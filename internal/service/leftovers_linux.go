package service

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// leftoverPatience is how long killed processes may take to go.
const leftoverPatience = 5 * time.Second

// EndLeftovers kills what a supervisor that is gone has left behind: under
// systemd, after a stop, every process of the unit; elsewhere those that orphans
// finds. After a crash under systemd it leaves them alone: the next supervisor
// takes them back. It returns how many it has killed.
func EndLeftovers(orphans func() []int) (int, error) {
	result, unit := os.Getenv("SERVICE_RESULT"), ownUnit()
	if result != "" && result != "success" && result != "timeout" {
		return 0, nil
	}
	left := orphans
	if result != "" && unit != "" {
		left = func() []int { return processesOf(unit) }
	}
	killed := map[int]bool{}
	for deadline := time.Now().Add(leftoverPatience); ; {
		pids := left()
		if len(pids) == 0 {
			return len(killed), nil
		}
		for _, pid := range pids {
			killed[pid] = true
			_ = syscall.Kill(pid, syscall.SIGKILL) // an error: it has gone
		}
		if time.Now().After(deadline) {
			return len(killed), fmt.Errorf("processes %v do not end", pids)
		}
		time.Sleep(10 * time.Millisecond) // nobody tells of the end of who is not our child
	}
}

// ownUnit is the cgroup of the unit that we belong to, empty outside of one.
// systemd runs the commands of a delegated unit in a group below it.
func ownUnit() string {
	group := strings.TrimSuffix(cgroupOf("self"), "/.control")
	if !strings.HasSuffix(group, ".service") {
		return ""
	}
	return group
}

// Restarting asks systemd whether the stop of the unit that we belong to is one half
// of a restart, of which it tells nobody by itself. Not knowing is no.
func Restarting() bool {
	unit := path.Base(ownUnit())
	args := []string{"list-jobs", "--no-legend", "--plain", unit}
	if unit == "." {
		return false
	}
	if strings.Contains(ownUnit(), "/user@") {
		args = append([]string{"--user"}, args...)
	}
	text, err := output("systemctl", args...)
	if err != nil {
		return false
	}
	for line := range strings.Lines(text) { // JOB UNIT TYPE STATE
		fields := strings.Fields(line)
		if len(fields) >= 3 && fields[1] == unit && fields[2] == "restart" {
			return true
		}
	}
	return false
}

// cgroupOf is where systemd has put a process: its place in cgroup2 or, where that
// is not used, in systemd's own hierarchy (cgroups(7)).
func cgroupOf(pid string) string {
	text, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil {
		return "" // it has gone
	}
	group := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if unified, ok := strings.CutPrefix(line, "0::"); ok && unified != "/" {
			return unified
		}
		if _, own, ok := strings.Cut(line, ":name=systemd:"); ok {
			group = own
		}
	}
	return group
}

func processesOf(unit string) []int {
	return processes(func(pid string) bool {
		group := cgroupOf(pid)
		return group == unit || strings.HasPrefix(group, unit+"/")
	})
}

// processes are those but ourselves that fit.
func processes(fits func(pid string) bool) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && pid != os.Getpid() && fits(entry.Name()) && !zombie(entry.Name()) {
			found = append(found, pid)
		}
	}
	return found
}

// statOf are the fields of proc(5)'s stat from the third on.
func statOf(pid string) []string {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

func zombie(pid string) bool {
	stat := statOf(pid)
	return len(stat) == 0 || stat[0] == "Z"
}
