package supervisor

import "time"

// Kind names what happened.
type Kind string

const (
	KindBound     Kind = "bound"     // the pool's address is listening
	KindUnbound   Kind = "unbound"   // the address was given up after a stop
	KindStarted   Kind = "started"   // a worker process exists
	KindReady     Kind = "ready"     // it waits for connections
	KindExited    Kind = "exited"    // it ended, unasked
	KindStopped   Kind = "stopped"   // it ended, asked
	KindFailed    Kind = "failed"    // it never became ready
	KindBackoff   Kind = "backoff"   // the pool waits before the next start
	KindRecovered Kind = "recovered" // the first ready worker after a back-off
	KindReload    Kind = "reload"    // a reload began, succeeded or failed
	KindProbe     Kind = "probe"     // the pool became unhealthy, or healthy again
	KindCommand   Kind = "command"   // somebody asked for something
	KindScaled    Kind = "scaled"
	KindAdopted   Kind = "adopted" // workers of an earlier supervisor were taken back
)

// Event is something that happened, in words and in fields.
type Event struct {
	Seq        uint64 // counts up from 1, without gaps
	At         time.Time
	Pool       string
	Kind       Kind
	Text       string // "worker 3 exited: killed by SIGSEGV after 3m2s"
	Bad        bool   // it happened to us, rather than being caused by us
	Slot       int    // -1: not about one worker
	PID        int
	Generation int
	Output     []string // last lines of the worker the event is about
}
