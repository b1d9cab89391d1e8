package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"fcgi-supervisor/worker"
)

// leavesOne says whether the program goes on in the background after it has ended.
// A worker's group is killed when the worker ends, and what it leaves behind with it,
// unless that was quick to leave the group; so a shell stands in for the worker here,
// which outlives the program.
func leavesOne(ctx context.Context, spec worker.Spec) bool {
	stand := spec
	stand.Path = "/bin/sh"
	stand.Args = append([]string{"sh", "-c", `"$@"; exec sleep 60`, "sh", spec.Path}, spec.Args[1:]...)
	t, err := begin(stand)
	if err != nil {
		return false
	}
	defer t.end()
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	deadline := time.After(trialPatience)
	var left []int // when the program had ended
	for turns := 0; turns < strayTurns; {
		select {
		case <-ctx.Done():
			return false
		case <-t.gone:
			return false
		case <-deadline:
			return false
		case <-ticker.C:
			if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", t.process.PID)); strings.TrimSpace(string(comm)) != "sleep" {
				continue
			}
			if left = t.others(); len(left) == 0 {
				return false
			}
			turns++
		}
	}
	return true
}

// others are the trial's processes without the first one.
func (t *trial) others() []int {
	return slices.DeleteFunc(t.pids(), func(pid int) bool { return pid == t.process.PID })
}
