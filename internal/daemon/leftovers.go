package daemon

import (
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/executor"
	"fcgi-supervisor/worker"
)

// Leftovers are the processes that a supervisor has left behind, by the state that
// it has left too: none while a supervisor has that runtime folder.
func Leftovers(runtimeDir string) []int {
	s, err := parseState(statePath(runtimeDir))
	if err != nil || s == nil {
		return nil
	}
	lock, err := control.Acquire(runtimeDir)
	if err != nil {
		return nil // it lives, and they are its workers
	}
	defer lock.Close()
	var pids []int
	for _, p := range worker.Find(executor.Mark(s.Lineage)) {
		pids = append(pids, p.PID)
	}
	return pids
}
