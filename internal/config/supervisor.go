package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxSocketPath is what fits into sun_path with its final NUL (unix(7)).
const maxSocketPath = 107

// controlSocket is the longest name in the runtime folder that must fit into an
// address.
const controlSocket = "control.sock"

// finishSupervisor fills in the runtime folder.
func (d *draft) finishSupervisor() Supervisor {
	s := &d.supervisor
	if s.RuntimeDir == "" {
		s.RuntimeDir = DefaultRuntimeDir()
	}
	path := filepath.Join(s.RuntimeDir, controlSocket)
	switch {
	case !filepath.IsAbs(s.RuntimeDir):
		d.complain("runtime_dir", "%q, taken from the environment, is relative", s.RuntimeDir)
	case len(path) > maxSocketPath:
		d.complain("runtime_dir", "%s would be %d bytes long, the kernel takes %d (unix(7)); use a shorter one", path, len(path), maxSocketPath)
	}
	s.places = d.places
	return *s
}

// SystemRuntimeDir is where root's supervisor has its runtime folder.
const SystemRuntimeDir = "/run/fcgi-supervisor"

// DefaultRuntimeDir is the runtime folder where neither configuration nor flags
// name one: what systemd made for us (RuntimeDirectory= of systemd.exec(5); the
// first, if there are several), else the usual place for root, else the user's
// own, in the folder for temporary files if need be: a web server that starts us
// gives its user nothing else.
func DefaultRuntimeDir() string {
	if made, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":"); made != "" {
		return made
	}
	if os.Geteuid() == 0 {
		return SystemRuntimeDir
	}
	if own := os.Getenv("XDG_RUNTIME_DIR"); own != "" {
		return filepath.Join(own, "fcgi-supervisor")
	}
	return filepath.Join(os.TempDir(), "fcgi-supervisor-"+strconv.Itoa(os.Geteuid()))
}
