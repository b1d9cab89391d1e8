//go:build !linux || !(amd64 || arm64)

package worker

import (
	"errors"
	"time"
)

// Process exists on Linux only, on amd64 and arm64.
type Process struct {
	PID        int
	StartTicks uint64
	StartedAt  time.Time
}

// Hooks are described where they are used, in process_linux.go.
type Hooks struct {
	Output func(chunk []byte)
	Exited func(Exit)
}

// Start reports errors.ErrUnsupported.
func Start(Spec, Hooks) (*Process, error) { return nil, errors.ErrUnsupported }

// Stop does nothing: there is no process.
func (*Process) Stop(StopPlan) {}

// Kill does nothing: there is no process.
func (*Process) Kill() {}

// NoteOOMKills does nothing.
func NoteOOMKills() {}
