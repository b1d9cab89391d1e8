package worker

import (
	"syscall"
	"time"
)

// Spec is everything one birth needs. Plain values: the same Spec starts every
// worker of a generation.
type Spec struct {
	Path  string   // the program, absolute
	Args  []string // argv, Args[0] included
	Env   []string // the whole environment, "K=V"
	Dir   string   // working directory; empty: ours
	Umask int      // always set

	Credential *Credential // nil: stay who we are
	Limits     []Limit
	Nice       *int // nil: ours
	NoNewPrivs bool // PR_SET_NO_NEW_PRIVS, prctl(2)

	ListenFD int // becomes descriptor 0; lent, never closed or changed here
}

// Credential is who the worker becomes before its program is executed.
type Credential struct {
	UID, GID uint32
	Groups   []uint32
}

// Limit is one resource limit, setrlimit(2). Soft and hard are set alike.
type Limit struct {
	Resource int // unix.RLIMIT_*
	Value    uint64
}

// StopPlan is how a worker is ended.
type StopPlan struct {
	Signal  syscall.Signal // asked first, of the leader alone
	Timeout time.Duration  // then the whole group is killed

	// Connections lists the inodes of all connections accepted from the
	// worker's listening socket, and whether something is going on in each: an
	// idle one, which a web server keeps for its next request, is false. With it
	// the worker is retired: the signal waits for a moment when the worker holds
	// none in which something is going on, at the most half of Timeout. Nil: the
	// signal is sent at once.
	Connections func() (map[uint64]bool, error)

	// Signalled, if not nil, is called once when the stop signal goes out.
	Signalled func()
}
