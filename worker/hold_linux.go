//go:build linux && (amd64 || arm64)

package worker

import (
	"sync"
	"time"
)

// What is under way in many goroutines, and must come to a halt before another
// program is executed in our place. Mutexes, because that one waits for them all
// and keeps further ones from beginning; nobody else ever waits.
var (
	// burials: read-locked by minders. Who is not buried is the other program's
	// to bury, with its exit status.
	burials sync.RWMutex
	// readings: read-locked while a chunk of output is taken. What is not taken
	// out of the pipe is the other's to read.
	readings sync.RWMutex
)

// Hold keeps ended workers from being buried and output from being read until
// release is called; false if what is under way takes longer than grace.
func Hold(grace time.Duration) (release func(), ok bool) {
	deadline := time.Now().Add(grace)
	if !lockBy(&burials, deadline) { // first: a burial waits for the reading of last words
		return nil, false
	}
	if !lockBy(&readings, deadline) {
		burials.Unlock()
		return nil, false
	}
	return func() { readings.Unlock(); burials.Unlock() }, true
}

func lockBy(mutex *sync.RWMutex, deadline time.Time) bool {
	held, given := make(chan struct{}), make(chan struct{})
	go func() { // ends when it has what it waits for
		mutex.Lock()
		select {
		case held <- struct{}{}:
		case <-given:
			mutex.Unlock()
		}
	}()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-held:
		return true
	case <-timer.C:
		close(given)
		return false
	}
}

// Pipe is the descriptor of our end of the worker's output, and stays ours; 0: none.
func (p *Process) Pipe() int {
	if p.output == nil {
		return 0
	}
	raw, err := p.output.pipe.SyscallConn()
	number := 0
	if err == nil {
		_ = raw.Control(func(fd uintptr) { number = int(fd) })
	}
	return number
}
