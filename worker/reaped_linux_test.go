//go:build linux && (amd64 || arm64)

package worker

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestUsageNeverGoesBack: the CPU time of a descendant that has ended and been waited
// for is still the worker's, or the counter of it would go back. Not covered:
// descendants that nobody waits for.
func TestUsageNeverGoesBack(t *testing.T) {
	// The inner shell works, ends and is waited for; then the outer one sleeps.
	cmd := exec.Command("/bin/sh", "-c", `/bin/sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; exec sleep 600`)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	ticks, err := startTicks(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	last := 0.0
	for deadline := time.Now().Add(30 * time.Second); ; <-pace.C {
		u, there := UsageOf(cmd.Process.Pid, ticks)
		if !there || u.CPUSeconds < last {
			t.Fatalf("%g s of CPU (%v), were %g", u.CPUSeconds, there, last)
		}
		last = u.CPUSeconds
		s, err := readStat(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
		if err == nil && s.reaped > 0 && len(Children(cmd.Process.Pid)) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the child does not end")
		}
	}
	if last == 0 {
		t.Error("no CPU time was seen")
	}
	eventually(t, "the shell is sleep, whose descriptors stay the same", func() bool {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
		call, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", cmd.Process.Pid))
		return err == nil && err2 == nil && string(name) == "sleep\n" && string(call) != "running\n" &&
			strings.HasPrefix(string(call), fmt.Sprint(unix.SYS_CLOCK_NANOSLEEP)+" ")
	})
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", cmd.Process.Pid))
	if u, _ := UsageOf(cmd.Process.Pid, ticks); err != nil || u.FDs != len(list) || !u.FDsKnown {
		t.Errorf("%d descriptors (%v), want %d (%v)", u.FDs, u.FDsKnown, len(list), err)
	}
}
