//go:build linux && (amd64 || arm64)

package worker

import (
	"time"

	"golang.org/x/sys/unix"
)

// repeatSignal: a signal that falls between an application's test of its flag and
// its accept(2) is lost, so it is sent again.
const repeatSignal = time.Second

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
