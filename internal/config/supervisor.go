package config

import (
	"os"
	"path/filepath"
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
		s.RuntimeDir = runtimeDir()
	}
	path := filepath.Join(s.RuntimeDir, controlSocket)
	switch {
	case s.RuntimeDir == "":
		d.complain("runtime_dir", "missing, and neither RUNTIME_DIRECTORY nor XDG_RUNTIME_DIR is set; set one of them")
	case !filepath.IsAbs(s.RuntimeDir):
		d.complain("runtime_dir", "%q, taken from the environment, is relative", s.RuntimeDir)
	case len(path) > maxSocketPath:
		d.complain("runtime_dir", "%s would be %d bytes long, the kernel takes %d (unix(7)); use a shorter one", path, len(path), maxSocketPath)
	}
	s.places = d.places
	return *s
}

// runtimeDir is the folder that systemd made for us (systemd.exec(5),
// RuntimeDirectory=; the first, if there are several), or the usual one.
func runtimeDir() string {
	if made, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":"); made != "" {
		return made
	}
	if os.Geteuid() == 0 {
		return "/run/fcgi-supervisor"
	}
	if own := os.Getenv("XDG_RUNTIME_DIR"); own != "" {
		return filepath.Join(own, "fcgi-supervisor")
	}
	return ""
}
