package supervisor

import (
	"time"

	"fcgi-supervisor/worker"
)

// Executor does what the loop has decided. Do must not block and must not call
// back into the loop from the calling goroutine; what comes of an order arrives
// later through Report.
type Executor interface {
	Do(Order)
}

// Order is one thing to do: Bind, Hide, Unbind, Open, Probe, Expose, Drain, Shut,
// Forget, Start, Stop or Kill.
type Order interface{ order() }

type (
	// Bind opens the pool's listening socket; a Bound comes back.
	Bind struct{ Pool string }
	// Hide makes the address unreachable for new clients where that can be done
	// (a socket file is removed) and waits until the queue is empty, at the most
	// until Deadline; a Hidden comes back.
	Hide struct {
		Pool     string
		Deadline time.Time
	}
	// Unbind closes the socket; an Unbound comes back.
	Unbind struct{ Pool string }
	// Open opens a socket of the generation's own, that no client finds; an Opened
	// comes back. One for a Trial need not be fit to be exposed.
	Open struct {
		Pool       string
		Generation int
		Trial      bool
	}
	// Probe sends the generation one request of the kind that is configured; a
	// Probed comes back.
	Probe struct {
		Pool       string
		Generation int
	}
	// Expose moves the generation's socket to the pool's address; an Exposed
	// comes back.
	Expose struct {
		Pool       string
		Generation int
	}
	// Drain waits until the queue of a generation that is no longer exposed is
	// empty and none of its connections is left, at the most until Deadline; a
	// Drained comes back.
	Drain struct {
		Pool       string
		Generation int
		Deadline   time.Time
	}
	// Shut closes the socket of a generation that has no workers any more.
	Shut struct {
		Pool       string
		Generation int
	}
	// Forget says that no worker of a generation before that one will be started
	// again.
	Forget struct {
		Pool   string
		Before int
	}
	// Start begins a worker; Started and Exited, or Exited alone, come back, and
	// between them at most one Ready or Unseen.
	Start struct {
		Pool       string
		ID         ID
		Slot       int
		Generation int
	}
	// Stop retires a worker; Signalled (perhaps) and Exited come back.
	Stop struct {
		Pool string
		ID   ID
	}
	// Kill ends a worker and its group at once; Exited comes back.
	Kill struct {
		Pool string
		ID   ID
	}
)

func (Bind) order()   {}
func (Hide) order()   {}
func (Unbind) order() {}
func (Open) order()   {}
func (Probe) order()  {}
func (Expose) order() {}
func (Drain) order()  {}
func (Shut) order()   {}
func (Forget) order() {}
func (Start) order()  {}
func (Stop) order()   {}
func (Kill) order()   {}

// Fact is something that has happened, reported to the loop: Bound, Hidden,
// Unbound, Started, Ready, Unseen, Signalled or Exited. A fact about a worker
// that the loop does not know is ignored.
type Fact interface {
	message
	fact()
}

type (
	// Bound: the socket listens, or why not.
	Bound struct {
		Pool string
		Err  error
	}
	// Hidden: no new client reaches the socket and its queue is empty, or the
	// deadline has passed.
	Hidden struct{ Pool string }
	// Unbound: the socket is closed.
	Unbound struct{ Pool string }
	// Opened: the generation's own socket listens, or why not. NoRoom: there is nothing
	// wrong with the generation, the address takes no second socket now.
	Opened struct {
		Pool       string
		Generation int
		Err        error
		NoRoom     bool
	}
	// Probed: a probe was answered as it should be, or why not. Saturated: there
	// was no answer in time, but a queue of clients that had none either.
	Probed struct {
		Pool       string
		Generation int
		At         time.Time
		Took       time.Duration
		Err        error
		Saturated  bool
	}
	// Exposed: clients reach the generation's socket now, or why not.
	Exposed struct {
		Pool       string
		Generation int
		Err        error
	}
	// Drained: nothing is left to do for the generation, or its time is up.
	Drained struct {
		Pool       string
		Generation int
	}
	// Started: the program has been executed.
	Started struct {
		Pool       string
		ID         ID
		PID        int
		StartTicks uint64
		At         time.Time
	}
	// Ready: the worker was seen waiting for a connection, or holding one, or
	// has said so.
	Ready struct {
		Pool string
		ID   ID
		At   time.Time
	}
	// Unseen: the kernel does not tell what the worker does; it is taken for
	// ready when it has lived for MinUptime.
	Unseen struct {
		Pool string
		ID   ID
	}
	// Signalled: a retiring worker has been sent its stop signal.
	Signalled struct {
		Pool string
		ID   ID
	}
	// Exited: the worker has been buried, or could not be started.
	Exited struct {
		Pool string
		ID   ID
		Exit worker.Exit
	}
)

func (Bound) fact()     {}
func (Hidden) fact()    {}
func (Unbound) fact()   {}
func (Opened) fact()    {}
func (Probed) fact()    {}
func (Exposed) fact()   {}
func (Drained) fact()   {}
func (Started) fact()   {}
func (Ready) fact()     {}
func (Unseen) fact()    {}
func (Signalled) fact() {}
func (Exited) fact()    {}
