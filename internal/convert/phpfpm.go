package convert

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var fpmINI = dialect{quotes: true, comments: ";#"}

// phpFPM reads the pools of a php-fpm.conf and of what it includes. What php-fpm
// does itself, php-cgi does under a supervisor
// (https://www.php.net/manual/en/install.fpm.configuration.php).
func phpFPM(s *source, path string) ([]*pool, error) {
	sections, err := fpmFiles(s, path)
	if err != nil {
		return nil, err
	}
	var pools []*pool
	byName := map[string]fpmPool{}
	for _, sec := range sections {
		if sec.name == "" || sec.name == "global" {
			continue
		}
		p, known := byName[sec.name]
		if !known {
			p = fpmPool{&pool{name: sec.name, origin: fmt.Sprintf("[%s] in %s:%d", sec.name, sec.file, sec.line)}, map[string]string{}}
			byName[sec.name] = p
			pools = append(pools, p.pool)
		}
		for _, o := range sec.options {
			p.option(sec, o)
		}
	}
	for _, p := range byName {
		p.complete()
	}
	return pools, nil
}

// fpmFiles reads a file with its includes in their places: a section goes on in an
// included file that does not begin with one.
func fpmFiles(s *source, path string) ([]section, error) {
	text, done, err := s.file(path)
	if err != nil {
		return nil, err
	}
	defer done()
	sections, err := readINI(path, text, fpmINI)
	if err != nil {
		return nil, err
	}
	var all []section
	for _, sec := range sections {
		own := sec
		own.options = nil
		var included []section
		for _, o := range sec.options {
			if o.name != "include" {
				own.options = append(own.options, o)
				continue
			}
			files, err := expand(o.value, path)
			if err != nil {
				return nil, err
			}
			for _, file := range files {
				more, err := fpmFiles(s, file)
				if err != nil {
					return nil, err
				}
				included = append(included, more...)
			}
		}
		all = append(append(all, own), included...)
	}
	return all, nil
}

// fpmPool is a pool with what several options say together.
type fpmPool struct {
	*pool
	php map[string]string // settings of PHP, in the order of phpOrder
}

// fpmGone are options that have no counterpart.
var fpmGone = map[string]string{
	"pm.start_servers": "all workers start at once", "pm.min_spare_servers": "the number of workers does not change by itself",
	"pm.max_spare_servers": "the number of workers does not change by itself", "pm.max_spawn_rate": "all workers start at once",
	"pm.process_idle_timeout": "idle workers stay", "pm.status_path": "fcgi-supervisor status tells more, without a request",
	"pm.status_listen": "fcgi-supervisor status tells more, without a request",
	"ping.path":        "there is no answer by the pool itself; a probe asks a real script: [pool.NAME.probe]", "ping.response": "see ping.path",
	"access.log": "the web server's access log has every request", "access.format": "the web server's access log has every request",
	"slowlog": "fcgi-supervisor status shows since when a worker is busy", "request_slowlog_timeout": "fcgi-supervisor status shows since when a worker is busy",
	"request_slowlog_trace_depth":              "there is no slow log",
	"request_terminate_timeout":                "no worker is killed for a long request; set max_execution_time, and the web server's timeout",
	"request_terminate_timeout_track_finished": "no worker is killed for a long request",
	"listen.allowed_clients":                   "let the pool listen on a Unix socket, or on an address that only the web server reaches",
	"listen.acl_users":                         "one owner and one group: listen_owner, listen_group",
	"listen.acl_groups":                        "one owner and one group: listen_owner, listen_group",
	"listen.setfib":                            "FreeBSD only", "process.dumpable": "the kernel decides", "apparmor_hat": "let a unit file say it", "chroot": "there is no chroot; let a unit file say RootDirectory=",
	"security.limit_extensions": "php-cgi runs whatever the web server names: let that look whether the script is there, as webconf does",
	"prefix":                    "paths are absolute", "access.suppress_path[]": "the web server's access log has every request",
	"decorate_workers_output": "lines have pool, worker and pid in front",
}

var (
	envOption = regexp.MustCompile(`^env\[([^\]]*)\]$`)
	phpOption = regexp.MustCompile(`^php_(admin_)?(value|flag)\[([^\]]*)\]$`)
)

func (p fpmPool) option(sec section, o option) {
	o.value = strings.ReplaceAll(o.value, "$pool", sec.name)
	written := strings.ReplaceAll(o.written(), "\n", " ")
	if why, ok := fpmGone[o.name]; ok {
		p.drop(written, why)
		return
	}
	if found := envOption.FindStringSubmatch(o.name); found != nil {
		p.envOption(found[1], o.value, written)
		return
	}
	if found := phpOption.FindStringSubmatch(o.name); found != nil {
		p.phpOption(found[1] != "", found[2] == "flag", found[3], o.value, written)
		return
	}
	switch o.name {
	case "listen":
		p.set("listen", fpmAddress(o.value), written, "")
	case "listen.owner", "listen.group":
		p.set(strings.ReplaceAll(o.name, ".", "_"), o.value, written, "")
	case "listen.mode":
		p.set("listen_mode", octal(o.value), written, "")
	case "listen.backlog":
		if o.value == "-1" {
			p.keep(written, "listen_backlog is 4096, which the kernel cuts to its own limit")
			return
		}
		p.number("listen_backlog", o, written, "")
	case "user", "group":
		p.set(o.name, o.value, written, "")
	case "pm":
		why := "exactly pm.max_children workers, always"
		if o.value == "static" {
			p.keep(written, why)
		} else {
			p.drop(written, why+"; an idle php-cgi costs memory and nothing else")
		}
	case "pm.max_children":
		p.number("processes", o, written, "")
	case "pm.max_requests":
		p.env("PHP_FCGI_MAX_REQUESTS", o.value, written)
	case "chdir":
		p.set("directory", o.value, written, "")
	case "rlimit_files":
		p.number("limits.nofile", o, written, "")
	case "rlimit_core":
		p.set("limits.core", coreLimit(o.value), written, "")
	case "process.priority":
		p.number("limits.nice", o, written, "")
	case "catch_workers_output":
		p.keep(written, "every line of a worker is in the supervisor's log")
	case "clear_env":
		if o.value == "no" || o.value == "0" || o.value == "off" || o.value == "false" {
			p.drop(written, "workers start with a clean environment; name what they need in inherit_environment")
		} else {
			p.keep(written, "workers start with a clean environment")
		}
	default:
		p.drop(written, "unknown")
	}
}

func (p fpmPool) number(path string, o option, written, why string) {
	n, err := strconv.Atoi(o.value)
	if err != nil {
		p.drop(written, "it is no number")
		return
	}
	p.set(path, n, written, why)
}

func (p fpmPool) envOption(name, value, written string) {
	from, variable := strings.CutPrefix(value, "$")
	switch {
	case !variable:
		p.env(name, value, written)
	case from == name:
		p.inherit(name, written)
	default:
		p.drop(written, "a variable is passed on by its own name only: inherit_environment")
	}
}

// phpOption makes an argument -d NAME=VALUE of a setting.
func (p fpmPool) phpOption(admin, flag bool, name, value, written string) {
	if flag {
		value = map[bool]string{true: "1", false: "0"}[truth(value)]
	}
	i := p.index("php")
	if i < 0 {
		p.set("php", []string{}, "", "")
		i = p.index("php")
	}
	e := &p.keys[i]
	e.value = append(e.value.([]string), "-d", name+"="+value)
	e.theirs = append(e.theirs, written)
	if admin {
		e.why = "scripts can change these with ini_set, unless php.ini forbids it"
	}
}

// complete makes the command of the settings, and adds what php-cgi needs.
func (p fpmPool) complete() {
	argv := []string{"/usr/bin/php-cgi"}
	e := entry{path: "command", why: "php-cgi instead of php-fpm, which brings its own process manager"}
	if i := p.index("php"); i >= 0 {
		argv = append(argv, p.keys[i].value.([]string)...)
		e.theirs = p.keys[i].theirs
		if p.keys[i].why != "" {
			e.why += "; " + p.keys[i].why
		}
		p.keys = append(p.keys[:i], p.keys[i+1:]...)
	}
	e.value = argv
	p.keys = append([]entry{e}, p.keys...)
	if !strings.Contains(fmt.Sprint(p.value("environment")), "PHP_FCGI_MAX_REQUESTS") {
		p.env("PHP_FCGI_MAX_REQUESTS", "0", "")
		p.keys[p.index("environment")].why = "a php-cgi ends after 500 requests unless told otherwise; php-fpm's does not"
	}
}

// fpmAddress is /PATH, PORT, HOST:PORT or [IPV6]:PORT in our notation.
func fpmAddress(value string) string {
	switch _, err := strconv.Atoi(value); {
	case err == nil:
		return "tcp:0.0.0.0:" + value
	case filepath.IsAbs(value):
		return "unix:" + value
	}
	if port, found := strings.CutPrefix(value, ":"); found {
		return "tcp:0.0.0.0:" + port
	}
	if port, found := strings.CutPrefix(value, "*:"); found {
		return "tcp:0.0.0.0:" + port
	}
	return "tcp:" + value
}

func coreLimit(value string) string {
	if value == "unlimited" || value == "0" {
		return value
	}
	return binarySize(value)
}
