package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// markLife is how long a mark means something: the signal follows it at once.
const markLife = 30 * time.Second

func restartMark(runtimeDir string) string { return filepath.Join(runtimeDir, "restarting") }

// MarkRestart says that the SIGTERM to come is one half of a restart: the workers
// serve on, the next supervisor takes them back and then replaces them, and no
// client notices. Without restart it takes that back.
func MarkRestart(runtimeDir string, restart bool) error {
	var err error
	if restart {
		err = os.WriteFile(restartMark(runtimeDir), nil, 0o600)
	} else if err = os.Remove(restartMark(runtimeDir)); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("note what the stop is for: %w", err)
	}
	return nil
}

// Restarting says whether MarkRestart has been called a moment ago.
func Restarting(runtimeDir string) bool {
	info, err := os.Stat(restartMark(runtimeDir))
	return err == nil && time.Since(info.ModTime()) < markLife
}

// leave ends the process and leaves the workers to the next one. It returns only
// if that cannot be; then everything goes on as before.
func (d *Daemon) leave() error {
	if d.options.Exit == nil {
		return errors.New("only a supervisor that was started by `run` has a successor")
	}
	return d.halted(func() error {
		d.telling.manager.Status("restarting: the workers serve on")
		d.options.Exit(0) // at once: whatever else could be tidied up is the next one's now
		return nil
	})
}

// succeedRestart gives every pool new workers where a restart is what we are for.
// The start is over when they serve.
func (d *Daemon) succeedRestart() {
	if Restarting(d.runtimeDir()) {
		d.telling.renewing.Store(true)
		d.door.knock()
	}
	_ = MarkRestart(d.runtimeDir(), false) // an old one means nothing
}
