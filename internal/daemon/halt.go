package daemon

import (
	"fmt"
	"time"

	"fcgi-supervisor/worker"
)

// haltGrace is how long it may take until nothing is under way.
const haltGrace = 5 * time.Second

// halted has do done while nothing happens: the loop is frozen, nobody is buried,
// no line is between a pipe and its log, and the state that is written down is what
// is the case. After it everything goes on, for do returns only if it fails.
func (d *Daemon) halted(do func() error) error {
	if !d.supervisor.Freeze() {
		return errStopping
	}
	defer d.supervisor.Thaw()
	release, ok := worker.Hold(haltGrace)
	if !ok {
		return fmt.Errorf("output of workers is not written within %s: is the disk of the logs full?", haltGrace)
	}
	defer release()
	memory, alive := d.supervisor.Remember()
	if !alive || memory.Stopping {
		return errStopping
	}
	d.keeper.pause()
	defer d.keeper.resume()
	if err := d.stateNow(memory).write(statePath(d.runtimeDir())); err != nil {
		return err
	}
	d.log.Sync()
	return do()
}
