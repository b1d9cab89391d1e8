//go:build linux && (amd64 || arm64)

package worker

import (
	"time"

	"golang.org/x/sys/unix"
)

// How a worker without a moment's rest is looked at: gently at first, then by
// stopping it, often and then ever more rarely.
const (
	gentle    = 50 * time.Millisecond // so long it is only looked at
	insistent = time.Second           // so long it is looked at often
	lookSoon  = time.Millisecond
	lookLater = 20 * time.Millisecond
	// settle is how long a group may take to stop after SIGSTOP.
	settle = 5 * time.Millisecond
)

// retirement is the wait for a moment when a worker holds no connection.
type retirement struct {
	process *Process
	plan    StopPlan
	others  map[uint64]bool // sockets known to be no connections from clients
}

// retire sends the stop signal in such a moment; false when there was none by
// then, or the worker ended by itself.
//
// A worker looks idle, is stopped, and is looked at once more: what it took from
// the queue in between is seen now, and nothing can be taken any more. The
// signal is then the first thing it meets when it is continued. A connection
// that it was about to take stays in the queue for its siblings.
//
// A busy worker is left alone at first: a program may see EINTR after a stop,
// signal(7). But where there is always a next client in the queue, the moment
// between two requests lasts microseconds, so after a while the worker is
// stopped at any moment, in the hope that it is the right one. It seldom is.
func (p *Process) retire(plan StopPlan, until time.Time) bool {
	r := &retirement{process: p, plan: plan, others: map[uint64]bool{}}
	begin := time.Now()
	for age := time.Duration(0); time.Now().Before(until); age = time.Since(begin) {
		idle, err := r.idle()
		if err != nil {
			return false // the kernel does not tell: all we can do is signal
		}
		if (idle || age > gentle) && r.signalIfIdle() {
			return true
		}
		if p.goneWithin(pauseAt(age)) {
			return false
		}
	}
	return false
}

func pauseAt(age time.Duration) time.Duration {
	if age <= insistent {
		return lookSoon
	}
	return lookLater
}

func (r *retirement) signalIfIdle() bool {
	r.process.killGroup(unix.SIGSTOP)
	defer r.process.killGroup(unix.SIGCONT) // never forgotten, whatever the look says
	if !r.process.stopped() {
		return false
	}
	if idle, err := r.idle(); err != nil || !idle {
		return false
	}
	r.process.signalLeader(r.plan.Signal)
	return true
}

// stopped waits until every process of the worker has stopped.
func (p *Process) stopped() bool {
	for deadline := time.Now().Add(settle); time.Now().Before(deadline); {
		if allStopped(group(p.PID)) { // who has left the group would not be ended either
			return true
		}
		time.Sleep(50 * time.Microsecond) // waitid(WSTOPPED) tells only of the leader
	}
	return false
}

// idle tells whether no process of the worker holds a connection in which
// something is going on. The kernel's tables are asked about sockets that are new
// to us only, so that a stopped worker is not kept waiting for them.
func (r *retirement) idle() (bool, error) {
	open, err := sockets(r.process.PID)
	if err != nil {
		return false, err
	}
	for _, inode := range open {
		if r.others[inode] {
			continue
		}
		kept := false
		// Twice: the kernel lists sockets in portions, and one that is closed
		// between two of them can hide another.
		for range 2 {
			connections, err := r.plan.Connections()
			busy, known := connections[inode]
			if err != nil || busy {
				return false, err
			}
			kept = kept || known
		}
		r.others[inode] = !kept // a kept one may be used again
	}
	return true, nil
}
