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
	Output func(chunk []byte, last bool) int
	Exited func(Exit)
}

// Start reports errors.ErrUnsupported.
func Start(Spec, Hooks) (*Process, error) { return nil, errors.ErrUnsupported }

// ChunkSize is described where it is used, in output_linux.go.
const ChunkSize = 256 << 10

// ErrGone: the process that had that pid and start time has ended.
var ErrGone = errors.New("the process has ended")

// Orphan is described where it is used, in adopt_linux.go.
type Orphan struct {
	PID        int
	StartTicks uint64
	StartedAt  time.Time
	Pipe       int
}

// Adopt reports errors.ErrUnsupported.
func Adopt(Orphan) (*Process, error) { return nil, errors.ErrUnsupported }

// Hold does nothing: nothing is under way.
func Hold(time.Duration) (func(), bool) { return func() {}, true }

// Pipe is 0: there is no process.
func (*Process) Pipe() int { return 0 }

// Mind does nothing: there is no process.
func (*Process) Mind(Hooks) {}

// Abandon does nothing: there is no process.
func (*Process) Abandon() {}

// Descriptor reports errors.ErrUnsupported.
func (*Process) Descriptor(int) (int, error) { return -1, errors.ErrUnsupported }

// Stop does nothing: there is no process.
func (*Process) Stop(StopPlan) {}

// Kill does nothing: there is no process.
func (*Process) Kill() {}

// NoteOOMKills does nothing.
func NoteOOMKills() {}
