package daemon

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/executor"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// stateVersion is that of the format; a state of another one is not understood.
const stateVersion = 1

// maxState bounds what is read: 4096 workers in some 100 pools are 3 MB.
const maxState = 64 << 20

// state is what is written down, in state.json of the runtime folder, for whoever
// starts after us. It names environments of workers, which may hold secrets: the
// file is its owner's alone.
type state struct {
	Version   int    `json:"version"`
	Program   string `json:"program"` // its version
	Lineage   string `json:"lineage"` // the mark in the environment of the workers
	Boot      string `json:"boot"`    // of the machine: pids mean nothing after the next
	PID       int    `json:"pid"`
	WrittenAt uint64 `json:"written_at"` // clock ticks since boot

	Config *config.Config             `json:"config,omitempty"` // in force; nil: written by a version that had none
	Loop   supervisor.Memory          `json:"loop"`
	Pools  map[string]executor.Memory `json:"pools"`

	OwnLost uint64 `json:"own_lost"` // lines that our own log has lost
}

func statePath(runtimeDir string) string { return filepath.Join(runtimeDir, "state.json") }

var bootID = sync.OnceValue(func() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text))
})

// readState returns nil if there is no state to go on from. What cannot be used
// is set aside, and the error says where and why; that is never fatal.
func readState(path string) (*state, error) {
	s, err := parseState(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	aside := path + ".unusable"
	if moving := os.Rename(path, aside); moving != nil {
		return nil, fmt.Errorf("%w; it cannot be moved out of the way: %v", err, moving)
	}
	return nil, fmt.Errorf("%w; it is now %s, and workers that it names are not taken back", err, aside)
}

func parseState(path string) (*state, error) {
	text, err := readTrusted(path)
	if err != nil {
		return nil, err
	}
	s := &state{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read the state of an earlier supervisor in %s: %w", path, err)
	}
	switch {
	case s.Version != stateVersion:
		return nil, fmt.Errorf("read the state of an earlier supervisor in %s: its format has version %d, and %d is understood", path, s.Version, stateVersion)
	case s.Lineage == "":
		return nil, fmt.Errorf("read the state of an earlier supervisor in %s: it is no state of ours", path)
	case s.Boot != bootID():
		return nil, os.Remove(path) // nothing that it names can be alive
	}
	return s, nil
}

// readTrusted reads a file that nobody else can have written.
func readTrusted(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the state of an earlier supervisor: %w", err)
	}
	defer file.Close()
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return nil, fmt.Errorf("inspect %s: %w", path, err)
	}
	switch {
	case stat.Mode&unix.S_IFMT != unix.S_IFREG, stat.Size > maxState:
		return nil, fmt.Errorf("%s is no state of ours", path)
	case int(stat.Uid) != os.Geteuid(), stat.Mode&0o022 != 0:
		return nil, fmt.Errorf("%s could have been written by others", path)
	}
	text := make([]byte, stat.Size)
	n, err := file.Read(text)
	if n < len(text) {
		return nil, fmt.Errorf("read %s: %d of %d bytes: %w", path, n, len(text), err)
	}
	return text, nil
}

// write replaces the file at once: who reads it sees the old or the new one.
func (s *state) write(path string) error {
	s.Version, s.Boot, s.PID, s.WrittenAt = stateVersion, bootID(), os.Getpid(), worker.TicksNow()
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write the state down: %w", err)
	}
	beside := path + ".new"
	_ = os.Remove(beside) // of one who died while writing, or whatever it is
	file, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("write the state down: %w", err)
	}
	_, err = file.Write(text)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		_ = os.Remove(beside)
		return fmt.Errorf("write the state down: %w", err)
	}
	return nil
}

// newLineage is a mark that nobody guesses.
func newLineage() string { return strings.ToLower(rand.Text()) }
