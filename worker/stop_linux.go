//go:build linux && (amd64 || arm64)

package worker

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// repeatSignal: a signal that falls between an application's test of its
	// flag and its accept(2) is lost, so it is sent again.
	repeatSignal = time.Second
	// lookEvery bounds how long a worker that has become idle is left waiting.
	lookEvery = 20 * time.Millisecond
	// settle is how long a group may take to stop after SIGSTOP.
	settle = 5 * time.Millisecond
)

// Stop ends the worker as plan says and returns at once; Hooks.Exited tells when
// it is done. Only the first call counts; Kill works at any time.
func (p *Process) Stop(plan StopPlan) {
	p.mu.Lock()
	first := !p.ending && !p.ended
	p.ending = true
	p.mu.Unlock()
	if first {
		go p.end(plan)
	}
}

// end carries out a StopPlan. It ends when the worker has been buried.
func (p *Process) end(plan StopPlan) {
	deadline := time.Now().Add(plan.Timeout)
	signalled := plan.Connections != nil && p.retire(plan, time.Now().Add(plan.Timeout/2))
	if plan.Signalled != nil {
		plan.Signalled()
	}
	for signalled || p.signalLeader(plan.Signal) {
		signalled = false
		left := time.Until(deadline)
		if left <= 0 || p.goneWithin(min(left, repeatSignal)) {
			break
		}
	}
	// A group that is being torn down in the kernel may take a moment, and a
	// fork under way may escape one SIGKILL.
	for p.Kill(); !p.goneWithin(repeatSignal); p.Kill() {
	}
}

func (p *Process) signalLeader(signal unix.Signal) bool {
	p.kill(p.PID, signal)
	return true
}

func (p *Process) goneWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.gone:
		return true
	case <-timer.C:
		return false
	}
}

// retire waits for a moment when the worker holds no connection and sends the
// stop signal in it; false when there was none by then, or it ended by itself.
//
// A worker looks idle, is stopped, and is looked at once more: what it took from
// the queue in between is seen now, and nothing can be taken any more. The
// signal is then the first thing it meets when it is continued. A connection
// that it was about to take stays in the queue for its siblings.
func (p *Process) retire(plan StopPlan, until time.Time) bool {
	for wait := time.Millisecond; time.Now().Before(until); wait = min(2*wait, lookEvery) {
		idle, err := p.idle(plan.Connections)
		if err != nil {
			return false // the kernel does not tell: all we can do is signal
		}
		if idle && p.signalIfIdle(plan) {
			return true
		}
		if p.goneWithin(wait) {
			return false
		}
	}
	return false
}

func (p *Process) signalIfIdle(plan StopPlan) bool {
	p.killGroup(unix.SIGSTOP)
	defer p.killGroup(unix.SIGCONT) // never forgotten, whatever the look says
	if !p.stopped() {
		return false
	}
	// Twice: the kernel lists sockets in portions, and one that is closed
	// between two of them can hide another.
	for range 2 {
		if idle, err := p.idle(plan.Connections); err != nil || !idle {
			return false
		}
	}
	p.signalLeader(plan.Signal)
	return true
}

// stopped waits until every process of the worker has stopped.
func (p *Process) stopped() bool {
	for deadline := time.Now().Add(settle); time.Now().Before(deadline); {
		if allStopped(tree(p.PID)) {
			return true
		}
		time.Sleep(50 * time.Microsecond) // waitid(WSTOPPED) tells only of the leader
	}
	return false
}

// idle tells whether no process of the worker holds one of the connections.
func (p *Process) idle(connections func() (map[uint64]bool, error)) (bool, error) {
	open, err := connections()
	if err != nil {
		return false, err
	}
	held, err := Held(p.PID, open)
	return len(held) == 0, err
}
