package supervisor

import "time"

// PoolConfig is what the decision needs to know of a pool. How its workers are
// made is the Executor's business.
type PoolConfig struct {
	Name      string
	Listen    string // for display
	Processes int
	Reload    string // how a new generation replaces the old: swap, rolling or restart

	OneApart bool // the address has room for one socket beside the one that clients reach

	ByUptime     bool          // ready = "uptime": nobody looks
	MinUptime    time.Duration // then a worker that lived so long is ready
	StartTimeout time.Duration // a worker that is not ready by then is killed
	StopTimeout  time.Duration
	Probe        Probing       // the zero value: none
	DrainTimeout time.Duration // so long a generation that was swapped out may finish
	Delay        time.Duration // after the first worker that never became ready
	DelayMax     time.Duration // the delay doubles up to this
}

// How a new generation replaces the old.
const (
	ReloadSwap    = "swap"    // all new workers on a socket of their own, to which clients are moved then
	ReloadRolling = "rolling" // one worker after the other, on the same socket
	ReloadRestart = "restart" // all old ones end, then all new ones start
)

// Probing is how often a pool is sent a request of ours.
type Probing struct {
	Interval time.Duration // 0: never
	Failures int           // so many in a row, and the pool is unhealthy
}
