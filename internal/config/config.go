package config

import (
	"log/slog"
	"os"
	"syscall"
	"time"

	"fcgi-supervisor/internal/listen"
)

// Unlimited is the value of a limit without a bound (RLIM_INFINITY of
// getrlimit(2)).
const Unlimited = ^uint64(0)

// DefaultPath is the PATH that workers start with, and that bare command names
// are looked up in.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Config is a whole configuration. Nobody writes to it once it is returned.
type Config struct {
	Path       string   // the file given to Load; empty when made from flags
	Files      []string // every file that was read, in the order of reading
	Supervisor Supervisor
	HTTP       HTTP
	Pools      []Pool // sorted by name
}

// Supervisor holds what concerns the supervisor itself.
type Supervisor struct {
	RuntimeDir   string // absolute; for control.sock, state.json and the lock
	ControlGroup string // group that may use the control socket; empty: its owner only
	LogLevel     slog.Level
	LogFormat    string // auto, text or json

	places map[string]Place
}

// HTTP says where health, metrics and the status page are.
type HTTP struct {
	Listen        listen.Address // a Unix path or TCP; the zero value: nowhere
	WebConfigFile string         // TLS and basic auth, as Prometheus exporters read it; empty: neither

	places map[string]Place
}

// Same says that nothing has to be done to get from one to the other.
func (h HTTP) Same(other HTTP) bool {
	return h.Listen == other.Listen && h.WebConfigFile == other.WebConfigFile
}

// Ways for a worker to become ready.
const (
	ReadyAuto   = "auto"   // seen waiting for a connection
	ReadyNotify = "notify" // READY=1 on its own NOTIFY_SOCKET
	ReadyUptime = "uptime" // alive for MinUptime
)

// How a new generation of workers replaces the old.
const (
	ReloadAuto    = "auto"    // swap where it is possible, else rolling
	ReloadSwap    = "swap"    // all new ones on a socket of their own, to which clients are moved then
	ReloadRolling = "rolling" // one after the other
	ReloadRestart = "restart" // all old ones end, then all new ones start
)

// Where the output of workers goes.
const (
	OutputSupervisor = "supervisor" // the supervisor's own log
	OutputFile       = "file"
)

// How changes of files are noticed.
const (
	WatchAuto    = "auto"    // events, or polling where the file system sends none
	WatchInotify = "inotify" // events
	WatchPoll    = "poll"    // a look every second
)

// Pool is one application. Empty names of users and groups mean the
// supervisor's own; see Credentials.
type Pool struct {
	Name  string
	Where string // FILE:LINE of the pool, or "command line"

	Command   []string // argv; Command[0] is an absolute path
	Directory string   // absolute; the folder of Command[0] unless given

	Listen        listen.Address
	ListenOwner   string // the pool's user unless given; empty: ourselves
	ListenGroup   string // the pool's group unless given; empty: that of Credentials
	ListenMode    os.FileMode
	ListenBacklog int

	Processes int

	User                string
	Group               string
	SupplementaryGroups []string // nil: those of the user; empty but not nil: none
	Umask               os.FileMode

	Environment        map[string]string
	EnvironmentFile    string   // absolute, or empty
	InheritEnvironment []string // names passed on from the supervisor

	Ready        string // ReadyAuto, ReadyNotify or ReadyUptime
	StartTimeout time.Duration
	MinUptime    time.Duration
	StopSignal   syscall.Signal
	StopTimeout  time.Duration
	Reload       string        // ReloadAuto, ReloadSwap, ReloadRolling or ReloadRestart
	DrainTimeout time.Duration // for a generation that was swapped out

	Restart Restart
	Watch   Watch
	Probe   Probe
	Log     Log
	Limits  Limits

	places map[string]Place // where each key stands, by its name within the pool
}

// Restart is the back-off of a pool whose workers never become ready.
type Restart struct {
	Delay    time.Duration // before the second attempt
	DelayMax time.Duration // the delay doubles up to this
}

// Probe is a request that tells whether the application works.
type Probe struct {
	Path     string // with the query; empty: there is no probe
	Params   map[string]string
	Interval time.Duration
	Timeout  time.Duration
	Failures int // in a row: the pool is unhealthy
}

// Watch says which files the pool is reloaded for.
type Watch struct {
	Paths    []string // files, folders, globs; relative to Directory or absolute; empty: none
	Ignore   []string // globs, relative to Directory or absolute
	Debounce time.Duration
	Mode     string // WatchAuto, WatchInotify or WatchPoll
}

// Log says where the output of workers goes.
type Log struct {
	Output   string // OutputSupervisor or OutputFile
	File     string // absolute; set when Output is OutputFile
	MaxSize  int64  // bytes; a file that reaches it is rotated
	MaxFiles int    // files kept, the one being written included
}

// Limits of each worker; nil is inherited from the supervisor.
type Limits struct {
	NoFile          *uint64 // open files
	Core            *uint64 // bytes, or Unlimited
	Nice            *int    // -20 to 19
	NoNewPrivileges bool
}

// ReloadWay is what Reload means for the pool's address: ReloadSwap, ReloadRolling or
// ReloadRestart.
func (p Pool) ReloadWay() string {
	switch {
	case p.Reload != ReloadAuto:
		return p.Reload
	case p.Listen.Swappable():
		return ReloadSwap
	}
	return ReloadRolling
}
