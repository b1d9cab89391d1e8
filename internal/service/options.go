package service

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"fcgi-supervisor/internal/listen"
)

// Name is what the service is called by every init system.
const Name = "fcgi-supervisor"

// Kinds of init systems.
const (
	Auto    = "auto"
	Systemd = "systemd"
	SysV    = "sysv"
)

// Options are what install was asked for.
type Options struct {
	Program     string // absolute path of the binary; empty: this one
	Config      string // absolute path of the configuration file
	Init        string // Auto, Systemd or SysV
	User        string // the whole service runs as this one; empty: as root
	UserService bool   // of the user who calls, under their own systemd
	Sockets     []Socket
	Version     string // of this program, for the first line of the text

	Force    bool // replace what somebody else has written
	NoEnable bool // not started at boot
	Now      bool // start it

	packaged bool // the text is for a package
}

// Socket is a pool's socket that systemd is to hold.
type Socket struct {
	Pool    string
	Address listen.Address // Unix, Abstract or TCP
	Owner   string         // of a Unix path; empty: root
	Group   string
}

// places are where an installation lives.
type places struct {
	units  string // folder of unit files
	script string
	record string
}

func (o Options) places() (places, error) {
	if !o.UserService {
		return places{units: "/etc/systemd/system", script: "/etc/init.d/" + Name, record: "/var/lib/" + Name + "/installed.json"}, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return places{}, fmt.Errorf("find your home folder: %w", err)
	}
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		state = filepath.Join(home, ".local/state")
	}
	// Not XDG_CONFIG_HOME: kardianos/service knows no other place than this.
	return places{units: filepath.Join(home, ".config/systemd/user"), record: filepath.Join(state, Name, "installed.json")}, nil
}

// complete fills in what was left open and refuses what cannot be.
func (o *Options) complete() error {
	if o.Program == "" {
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find the path of this program: %w", err)
		}
		o.Program = program
	}
	for what, path := range map[string]string{"the path of the program": o.Program, "the path of the configuration": o.Config} {
		if err := quotable(what, path); err != nil {
			return err
		}
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%s, %s, is relative", what, path)
		}
	}
	if o.Init != SysV && strings.ContainsAny(o.Program, `"'\`) {
		return fmt.Errorf("systemd takes no program with quotes or backslashes in its path: %s; try: copy it to /usr/local/bin", o.Program)
	}
	if o.User != "" {
		if o.UserService {
			return fmt.Errorf("a user service runs as who installs it; try: without --user, or without --user-service")
		}
		if _, err := user.Lookup(o.User); err != nil {
			return fmt.Errorf("there is no user %q", o.User)
		}
	}
	if o.Init == SysV && (o.User != "" || o.UserService || len(o.Sockets) > 0) {
		return fmt.Errorf("an init script can have no --user, --user-service or --socket; try: user = ... in the pools")
	}
	return nil
}
