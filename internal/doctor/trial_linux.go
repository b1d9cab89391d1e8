package doctor

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/worker"
)

// Bounds of a trial.
const (
	pace = 10 * time.Millisecond
	// settled is how long a worker may have a socket of its own, and not wait on
	// ours, before that is what is wrong: some open a control socket first.
	settled    = time.Second
	strayTurns = 10 // looks for such a socket are rarer than others
	// keptOutput bounds what is kept of a worker's words: the end of them.
	keptOutput = 64 << 10
	// afterlife is how long a worker may take to wait again after an answer:
	// libfcgi lingers for up to two seconds.
	afterlife = 3 * time.Second
)

// mark is the variable by which everything that a trial starts is found again.
const mark = "FCGI_SUPERVISOR_DOCTOR"

// state is what became of a trial worker.
type state int

const (
	ready   state = iota // it waits for a connection on the socket
	unseen               // it lives, and the kernel does not tell what it waits for
	ended                // before it was ready
	strayed              // it listens somewhere else
	silent               // it lives and never waited
)

// trial is one worker, born as a supervisor's are, on a socket of its own.
type trial struct {
	spec    worker.Spec
	begun   time.Time // by the clock of files, which is coarser than ours
	folder  string    // ours; holds the socket
	socket  *listen.Socket
	process *worker.Process
	marked  string // "NAME=VALUE"
	gone    chan struct{}
	exit    worker.Exit // set before gone is closed
	own     []string    // addresses it listens on besides ours; set by wait, removed by end

	mu     sync.Mutex // the reader of the pipe writes, whoever examines reads
	output []byte
}

// begin starts a worker.
func begin(spec worker.Spec) (*trial, error) {
	folder, err := os.MkdirTemp("", "fcgi-supervisor-doctor-")
	if err != nil {
		return nil, err
	}
	t := &trial{spec: spec, folder: folder, gone: make(chan struct{}), marked: mark + "=" + rand.Text()}
	address := listen.Address{Kind: listen.Unix, Path: filepath.Join(folder, "trial.sock")}
	t.socket, err = listen.Open(address, listen.Options{Owner: -1, Group: -1, Mode: 0o600, Backlog: 16})
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	if info, err := os.Stat(address.Path); err == nil {
		t.begun = info.ModTime()
	}
	t.spec.ListenFD = t.socket.FD()
	t.spec.Env = append(append([]string{}, spec.Env...), t.marked)
	worker.NoteOOMKills() // those of earlier are none of this worker's
	t.process, err = worker.Start(t.spec, worker.Hooks{Output: t.take, Exited: t.exited})
	if err != nil {
		t.process = nil
		t.end()
		return nil, err
	}
	return t, nil
}

func (t *trial) take(chunk []byte, _ bool) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.output = append(t.output, chunk...)
	t.output = t.output[max(0, len(t.output)-keptOutput):]
	return len(chunk)
}

func (t *trial) exited(exit worker.Exit) {
	t.exit = exit
	close(t.gone)
}

// words are what the worker has written so far.
func (t *trial) words() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.output)
}

// wait looks until the worker is ready, or it is clear that it will not be.
func (t *trial) wait(ctx context.Context, patience time.Duration) state {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	deadline := time.After(patience)
	var strayedSince time.Time
	for turn := 1; ; turn++ {
		waiting, err := worker.Waiting(t.process.PID, t.socket.Inode())
		if waiting {
			return ready
		}
		select {
		case <-t.gone:
			return ended
		case <-ctx.Done():
			return silent
		case <-deadline:
			if !strayedSince.IsZero() {
				return strayed
			}
			if err != nil {
				return unseen
			}
			return silent
		case now := <-ticker.C:
			if turn%strayTurns != 0 {
				continue // it means looking at every process there is
			}
			if t.own = listening(t.pids(), t.socket.Inode()); len(t.own) == 0 {
				strayedSince = time.Time{}
			} else if strayedSince.IsZero() {
				strayedSince = now
			} else if now.Sub(strayedSince) >= settled {
				return strayed
			}
		}
	}
}

// again says whether the worker, after an answer, waits for the next request; false
// if it has ended. A worker that does neither is taken to be there.
func (t *trial) again(ctx context.Context) bool {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	deadline := time.After(afterlife)
	for {
		select {
		case <-t.gone:
			return false
		case <-ctx.Done():
			return true
		case <-deadline:
			return true
		case <-ticker.C:
			if waiting, err := worker.Waiting(t.process.PID, t.socket.Inode()); waiting || err != nil {
				return !t.goneSoon()
			}
		}
	}
}

// goneSoon gives a worker that has answered a few moments to end by itself.
func (t *trial) goneSoon() bool {
	select {
	case <-t.gone:
		return true
	case <-time.After(5 * pace):
		return false
	}
}

// pids are all the processes that the trial has brought about: the worker and its
// descendants, and those with its mark, which a program may overwrite (nginx does,
// with its title).
func (t *trial) pids() []int {
	var pids []int
	if t.process != nil && !isClosed(t.gone) {
		pids = append(pids, t.process.PID)
	}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, worker.Children(pids[i])...)
	}
	for _, p := range worker.Find(t.marked) {
		if !slices.Contains(pids, p.PID) {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// stop asks the worker to end as a supervisor would, and says how it did.
func (t *trial) stop(signal syscall.Signal, timeout time.Duration) (worker.Exit, time.Duration) {
	begun := time.Now()
	t.process.Stop(worker.StopPlan{Signal: signal, Timeout: timeout})
	<-t.gone
	return t.exit, time.Since(begun)
}

// end leaves nothing behind: neither the worker, nor what left its group.
func (t *trial) end() {
	if t.process != nil {
		t.process.Kill()
		<-t.gone
		<-t.process.Gone()
	}
	for _, pid := range t.pids() {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	for _, address := range t.own {
		removeStale(address)
	}
	_ = t.socket.Unlink()
	t.socket.Close()
	os.RemoveAll(t.folder)
}

// removeStale removes the name of a socket on which nobody listens any more.
func removeStale(address string) {
	a, err := listen.Parse(address)
	if err != nil || a.Kind != listen.Unix {
		return
	}
	if holder, err := listen.At(a); err == nil && holder == nil {
		_ = os.Remove(a.Path)
	}
}

// doing is what the first process of the trial is blocked in, as far as the kernel
// tells: proc_pid_wchan(5) and its outgoing connections.
func (t *trial) doing() string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", t.process.PID))
	if err != nil {
		return ""
	}
	return blockedIn(t.process.PID, string(text))
}
