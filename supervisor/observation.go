package supervisor

import "time"

// Observation is what a look at the kernel adds to a snapshot. It is made when
// somebody asks, never on a timer. What could not be known (no permission, the
// worker is gone) is nil, never 0.
type Observation struct {
	Pools   map[string]PoolFigures
	Workers map[ID]WorkerFigures
}

// PoolFigures are read from the kernel's socket tables (sock_diag(7)).
type PoolFigures struct {
	Address     string // where clients reach it, whoever has opened it; empty: not known
	Queue       *int   // connections the kernel has completed and no worker has accepted
	Backlog     *int   // the limit of the queue as the kernel applies it
	Connections *int   // connections that workers have accepted and not closed
	Lines       uint64 // whole lines that workers have written
	Dropped     uint64 // those of them that the pool's log file did not get
}

// WorkerFigures sum over all processes of the worker's tree.
type WorkerFigures struct {
	Busy       *bool     // it holds an accepted connection
	BusySince  time.Time // the first look that saw the oldest connection it holds; zero when idle
	RSSBytes   *uint64
	CPUSeconds *float64
	FDs        *int
	Threads    *int
}

// Observer looks at everything in a snapshot in one pass.
type Observer interface {
	Observe(*Snapshot) *Observation
}
