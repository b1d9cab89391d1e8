package daemon

import (
	"runtime/debug"
	"sync/atomic"

	"fcgi-supervisor/supervisor"
)

// bootGarbage lets the heap grow while pools boot: collections that would only find
// goroutines of workers just begun cost more than the memory that they free.
const (
	bootGarbage  = 400
	usualGarbage = 100 // the default of the runtime
)

// tidier gives memory back to the system after a burst of garbage, such as 512
// workers make that start together. It is only asked at the end of one: an idle
// supervisor wakes for nothing.
type tidier struct {
	booted  map[string]bool // the loop's goroutine: pools that have been whole
	running atomic.Bool
}

func newTidier() *tidier {
	debug.SetGCPercent(bootGarbage)
	return &tidier{booted: map[string]bool{}}
}

func (t *tidier) note(e supervisor.Event) {
	whole := e.Kind == supervisor.KindReady && e.Slot < 0
	if whole && !t.booted[e.Pool] {
		t.booted[e.Pool] = true
	} else if e.Kind != supervisor.KindReload {
		return
	}
	if t.running.CompareAndSwap(false, true) {
		go func() { // ends by itself, within milliseconds
			debug.SetGCPercent(usualGarbage)
			debug.FreeOSMemory()
			t.running.Store(false)
		}()
	}
}
