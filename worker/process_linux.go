//go:build linux && (amd64 || arm64)

package worker

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Hooks are how a Process tells its owner what happens. They are called from
// the process's own goroutines and must not block for long.
type Hooks struct {
	// Output gets what the worker writes, in chunks that are only valid during
	// the call, and returns how many bytes it has taken for good: the others are
	// shown again, with what follows them. Of a chunk of ChunkSize it must take
	// some. last says that the worker has ended, and all must be taken. Never
	// called again once Exited has been.
	Output func(chunk []byte, last bool) int
	// Exited is called exactly once, last, when the worker has ended, its group
	// has been killed and its output has been read.
	Exited func(Exit)
}

// Process is one live worker. Its minder goroutine waits for its end; a second
// one, started by Stop, brings that about.
type Process struct {
	PID        int
	StartTicks uint64 // field 22 of /proc/PID/stat: with PID it names the process for ever
	StartedAt  time.Time

	pidfd  *os.File      // non-blocking, in the poller; closed by the minder
	child  bool          // ours; else its end is seen, and how it ended perhaps not
	output *output       // nil: it has left our pipe behind
	hooks  Hooks         // set by mind
	gone   chan struct{} // closed by the minder when the worker is buried

	// A mutex because kill(2) of the group must not come after the reaping,
	// which frees the number, and both callers need the answer at once.
	mu     sync.Mutex
	ended  bool // no signal is sent any more
	ending bool // a Stop goroutine exists
}

// Start gives birth to a worker. When it returns without an error the program
// has been executed; a *StartError says which step failed.
func Start(spec Spec, hooks Hooks) (*Process, error) {
	out, theirs, err := newOutput()
	if err != nil {
		return nil, err
	}
	started := time.Now()
	pid, fd, err := spec.spawn(theirs)
	unix.Close(theirs)
	if err != nil {
		out.pipe.Close()
		return nil, err
	}
	_ = unix.SetNonblock(fd, true) // PIDFD_NONBLOCK, Linux 5.10: lets the poller have it
	p := &Process{PID: pid, StartedAt: started, output: out, child: true,
		pidfd: os.NewFile(uintptr(fd), "worker"), gone: make(chan struct{})}
	p.StartTicks, _ = startTicks(pid)
	p.Mind(hooks)
	return p, nil
}

// Mind begins to watch a worker that Adopt has taken back; Start does it by
// itself.
func (p *Process) Mind(hooks Hooks) {
	p.hooks = hooks
	if p.output != nil {
		go p.output.read(hooks.Output)
	}
	go p.mind()
}

// mind waits for the worker's end and buries it. It ends with the worker.
func (p *Process) mind() {
	status, err := p.wait()
	burials.RLock()
	defer burials.RUnlock()
	p.endGroup() // before the reaping: no grandchild keeps the socket
	oom := status.claimed()
	if p.output != nil {
		p.output.finish()
	}
	exit := status.exit(p.StartedAt)
	exit.OOM = <-oom
	if err != nil {
		exit.StartErr = fmt.Sprintf("wait for pid %d: %v", p.PID, err)
	}
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.hooks.Exited(exit) // its successor need not wait for the kernel's tidying up
	if fd, e := p.pidfd.SyscallConn(); e == nil {
		_ = fd.Control(func(fd uintptr) { reap(int(fd)) })
	}
	p.pidfd.Close()
	close(p.gone)
}

// wait parks in the runtime's poller, not on a thread: os.Process.Wait would
// hold one thread a worker.
func (p *Process) wait() (status childStatus, err error) {
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return status, err
	}
	var waitErr error
	err = raw.Read(func(fd uintptr) (done bool) {
		if p.child {
			status, done, waitErr = ended(fd)
		} else {
			status, done = endedElsewhere(fd)
		}
		return done || waitErr != nil
	})
	if err == nil {
		err = waitErr
	}
	return status, err
}

// Kill ends the worker and its whole group at once.
func (p *Process) Kill() { p.killGroup(unix.SIGKILL) }

// Gone is closed when the worker has been buried.
func (p *Process) Gone() <-chan struct{} { return p.gone }

func (p *Process) killGroup(signal unix.Signal) { p.kill(-p.PID, signal) }

func (p *Process) kill(pid int, signal unix.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		_ = unix.Kill(pid, signal)
	}
}
