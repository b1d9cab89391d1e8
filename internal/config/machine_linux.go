package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/listen"
)

// Problem is something that this machine is missing.
type Problem struct {
	Where  string // FILE:LINE of the key, or the flag
	Pool   string // empty if it is about the supervisor
	Key    string // what it is about, as the key is called within its table
	Text   string
	Remedy string // a command that probably helps, or empty
	Fatal  bool   // the pool cannot work like this
	Spares bool   // though Fatal, it leaves the pools alone: run starts them
}

// String is WHERE: TEXT; try: REMEDY.
func (p Problem) String() string {
	return p.Where + ": " + fault{p.Text, p.Remedy}.String()
}

// machineCheck gathers the problems of one pool.
type machineCheck struct {
	config   *Config
	pool     Pool
	us       account // the supervisor
	worker   account
	problems []Problem
}

// CheckMachine says what is wrong with this machine for c: users, permissions,
// interpreters, folders, limits. It looks and changes nothing.
func (c *Config) CheckMachine() []Problem {
	var problems []Problem
	us, err := ourselves()
	if err != nil {
		return []Problem{{Where: c.Path, Text: err.Error(), Fatal: true}}
	}
	if name := c.Supervisor.ControlGroup; name != "" {
		if _, err := groupID(name); err != nil {
			problems = append(problems, Problem{Where: c.Supervisor.places["control_group"].line(), Text: err.Error(), Fatal: true})
		}
	}
	problems = append(problems, c.checkHTTP(us)...)
	for _, p := range c.Pools {
		check := machineCheck{config: c, pool: p, us: us}
		check.run()
		problems = append(problems, check.problems...)
	}
	return problems
}

// note adds a problem of one key; a key that was not given is shown at its pool.
func (m *machineCheck) note(path string, f *fault, fatal bool) {
	if f == nil {
		return
	}
	where := m.pool.Where
	if at, given := m.pool.places[path]; given {
		where = at.line()
	}
	m.problems = append(m.problems, Problem{Where: where, Pool: m.pool.Name, Key: path, Text: f.text, Remedy: f.remedy, Fatal: fatal})
}

func (m *machineCheck) run() {
	m.checkSocket()
	m.checkLog()
	worker, err := accountOf(m.pool)
	if err != nil {
		m.note(m.culprit(), &fault{text: err.Error()}, true)
		return
	}
	m.worker = worker
	if m.us.uid != 0 && worker.uid != m.us.uid {
		m.note("user", &fault{text: fmt.Sprintf("only root may start workers as user %s; we are %s", worker.name, m.us.name)}, true)
	}
	environment, err := Environment(m.pool, worker.home, worker.shell, worker.name, os.LookupEnv)
	if err != nil {
		m.note("environment_file", &fault{text: err.Error()}, true)
	}
	m.note("command", worker.program(m.pool.Command[0], pathIn(environment), 0), true)
	m.note("directory", worker.folder(m.pool.Directory, mayEnter), true)
}

// culprit is the key that names a user or group that does not exist.
func (m *machineCheck) culprit() string {
	if _, err := userOf(m.pool); err != nil {
		return "user"
	}
	if _, err := groupID(m.pool.Group); m.pool.Group != "" && err != nil {
		return "group"
	}
	return "supplementary_groups"
}

// checkSocket looks at the place of the socket as we, not the workers, see it.
func (m *machineCheck) checkSocket() {
	p := m.pool
	if p.Listen.Kind != listen.Systemd && p.Listen.Kind != listen.FD {
		m.note("listen_backlog", shortQueue(p.ListenBacklog), false)
	}
	if p.Listen.Kind != listen.Unix {
		return
	}
	if _, err := userOf(Pool{User: p.ListenOwner, Group: "0"}); err != nil && p.ListenOwner != p.User {
		m.note("listen_owner", &fault{text: err.Error()}, true)
	}
	if _, err := groupID(p.ListenGroup); p.ListenGroup != p.Group && err != nil {
		m.note("listen_group", &fault{text: err.Error()}, true)
	}
	folder := filepath.Dir(p.Listen.Path)
	if folder == filepath.Clean(m.config.Supervisor.RuntimeDir) {
		// run makes that one when it is not there.
		if _, err := os.Lstat(folder); os.IsNotExist(err) {
			folder = filepath.Dir(folder)
		}
	}
	if f := m.writable(folder); f != nil {
		m.note("listen", &fault{text: "the socket cannot be made: " + f.text, remedy: f.remedy}, true)
		return
	}
	if info, err := os.Lstat(p.Listen.Path); err == nil && info.Mode().Type() != os.ModeSocket {
		m.note("listen", &fault{text: p.Listen.Path + " exists and is not a socket; it will not be replaced"}, true)
	}
}

// writable checks that we can make files in a folder. After the modes the kernel
// is asked as well: it knows of read-only file systems and of access lists.
func (m *machineCheck) writable(folder string) *fault {
	if f := m.us.folder(folder, mayWrite); f != nil {
		return f
	}
	if err := unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK, unix.AT_EACCESS); err != nil {
		return &fault{text: fmt.Sprintf("%s is not writable: %v", folder, err)}
	}
	return nil
}

// shortQueue finds a kernel that cuts the backlog (listen(2)).
func shortQueue(backlog int) *fault {
	data, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		return nil
	}
	limit, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || backlog <= limit {
		return nil
	}
	return &fault{
		text:   fmt.Sprintf("the kernel cuts the backlog of %d to %d (net.core.somaxconn)", backlog, limit),
		remedy: fmt.Sprintf("sysctl -w net.core.somaxconn=%d", backlog),
	}
}

// checkLog looks at the folder of the log file, which we write ourselves.
func (m *machineCheck) checkLog() {
	if m.pool.Log.Output != OutputFile {
		return
	}
	if f := m.writable(filepath.Dir(m.pool.Log.File)); f != nil {
		m.note("log.file", &fault{text: "the log file cannot be made: " + f.text, remedy: f.remedy}, true)
		return
	}
	info, err := os.Stat(m.pool.Log.File)
	if err == nil && info.IsDir() {
		m.note("log.file", &fault{text: m.pool.Log.File + " is a folder"}, true)
	} else if err == nil && !m.us.may(m.pool.Log.File, info, mayWrite) {
		refused := m.us.refused(m.pool.Log.File, info, mayWrite)
		m.note("log.file", &refused, true)
	}
}
