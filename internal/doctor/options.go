package doctor

import (
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
)

// Options say which pool is looked at, and how.
type Options struct {
	Config *config.Config
	Pool   config.Pool // one of Config's
	Stray  bool        // the pool was typed on a command line: nobody is expected to run it

	Status        *control.Pool // what the supervisor says of it; nil: there is none
	Running       bool          // a supervisor runs, whether it knows the pool or not
	SupervisorPID int

	As       string        // the web server's user; empty: that of the running web servers
	Path     string        // asked for; empty: the probe's, or /
	Prefix   string        // where the application is mounted: "" or "/app"
	Params   []string      // NAME=VALUE, in the place of ours
	Patience time.Duration // for a start, and for an answer
	NoStart  bool          // start no worker

	Shell Shell
}

// Shell is where whoever asks sits: the place where the program works by hand.
type Shell struct {
	Environment []string
	Directory   string
}
