package daemon

import (
	"errors"
	"fmt"

	"fcgi-supervisor/internal/config"
)

// ErrRestartRefused: a restart was asked for, and the configuration has mistakes.
var ErrRestartRefused = errors.New("the workers serve on; the next start goes on with the configuration from before")

// Resume is the configuration that a supervisor which is gone has read from that
// file: while workers of it live, a mistake that was made since must not leave them
// without anybody who minds them. nil: there is none to go on with. It refuses once
// where a restart was asked for, so that whoever did hears of the mistakes.
func Resume(runtimeDir, path string) (*config.Config, error) {
	s, err := parseState(statePath(runtimeDir))
	if err != nil || s == nil || s.Config == nil || s.Config.Path != path || len(Leftovers(runtimeDir)) == 0 {
		return nil, nil
	}
	if !Restarting(runtimeDir) {
		return s.Config, nil
	}
	if err := MarkRestart(runtimeDir, false); err != nil {
		return nil, fmt.Errorf("go on with the configuration from before: %w", err)
	}
	return nil, ErrRestartRefused
}

// resumed tells why the configuration is an earlier one.
func (d *Daemon) resumed() {
	if err := d.options.Mistakes; err != nil {
		d.telling.refuse(err)
		d.refuse(err)
		d.noteConfig(false)
	}
}
