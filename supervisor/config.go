package supervisor

import "time"

// PoolConfig is what the decision needs to know of a pool. How its workers are
// made is the Executor's business.
type PoolConfig struct {
	Name      string
	Listen    string // for display
	Processes int
	Reload    string // "rolling" or "restart": how a new generation replaces the old

	ByUptime     bool          // ready = "uptime": nobody looks
	MinUptime    time.Duration // then a worker that lived so long is ready
	StartTimeout time.Duration // a worker that is not ready by then is killed
	StopTimeout  time.Duration
	Delay        time.Duration // after the first worker that never became ready
	DelayMax     time.Duration // the delay doubles up to this
}
