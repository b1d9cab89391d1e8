package convert

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var supervisordINI = dialect{continues: true, lowers: true, comments: ";#"}

// supervisord reads the [fcgi-program:x] sections of a file and of those that it
// includes, and the [program:x] sections that start a FastCGI program by means of
// another (http://supervisord.org/configuration.html).
func supervisord(s *source, path string) ([]*pool, error) {
	sections, err := supervisordFiles(s, path)
	if err != nil {
		return nil, err
	}
	var pools []*pool
	for _, sec := range sections {
		kind, name, _ := strings.Cut(sec.name, ":")
		switch strings.TrimSpace(kind) {
		case "fcgi-program":
			pools = append(pools, fcgiProgram(sec, strings.TrimSpace(name)))
		case "program":
			if p := plainProgram(sec, strings.TrimSpace(name)); p != nil {
				pools = append(pools, p)
			}
		}
	}
	return pools, nil
}

func supervisordFiles(s *source, path string) ([]section, error) {
	text, done, err := s.file(path)
	if err != nil {
		return nil, err
	}
	defer done()
	sections, err := readINI(path, text, supervisordINI)
	if err != nil {
		return nil, err
	}
	for _, sec := range sections {
		if sec.name != "include" {
			continue
		}
		for _, o := range sec.options {
			for _, pattern := range strings.Fields(o.value) {
				files, err := expand(strings.TrimPrefix(pattern, "%(here)s/"), path)
				if err != nil {
					return nil, err
				}
				for _, file := range files {
					more, err := supervisordFiles(s, file)
					if err != nil {
						return nil, err
					}
					sections = append(sections, more...)
				}
			}
		}
	}
	return sections, nil
}

// program is a section while it is being converted.
type program struct {
	*pool
	section
	name string
}

func fcgiProgram(sec section, name string) *pool {
	p := program{&pool{name: name, origin: fmt.Sprintf("[%s] in %s:%d", sec.name, sec.file, sec.line)}, sec, name}
	for _, o := range sec.options {
		if err := p.option(o); err != nil && p.fault == nil {
			p.fault = fmt.Errorf("%s: %w", o.written(), err)
		}
	}
	p.setDefault("processes", 1, "theirs without numprocs; ours would be 5")
	if strings.HasPrefix(p.text("listen"), "unix:") {
		p.setDefault("listen_mode", "0700", "theirs without socket_mode; ours would be 0660")
	}
	return p.pool
}

// supervisordSame are options that say what we do anyway.
var supervisordSame = map[string]string{
	"process_name": "workers are known by pool and slot", "numprocs_start": "slots begin at 0",
	"killasgroup": "whole process groups are killed, always", "stopasgroup": "the stop signal goes to the worker, which tells its children; SIGKILL goes to the whole group",
	"startsecs":    "a worker is ready when it is seen waiting for a connection, and has failed if it is not within start_timeout (30s)",
	"startretries": "it never gives up: the delay doubles up to restart.delay_max (30s)",
	"exitcodes":    "a worker that ends is replaced, whatever its exit code",
}

// supervisordGone are options that have no counterpart.
var supervisordGone = map[string]string{
	"priority":                "all pools start at once; the web server's requests wait in the socket's queue",
	"stdout_capture_maxbytes": "there are no event listeners", "stderr_capture_maxbytes": "there are no event listeners",
	"stdout_events_enabled": "there are no event listeners", "stderr_events_enabled": "there are no event listeners",
	"stdout_syslog": "lines go to the supervisor's log, which systemd passes to the journal", "stderr_syslog": "lines go to the supervisor's log, which systemd passes to the journal",
	"stderr_logfile_maxbytes": "both streams are in one file", "stderr_logfile_backups": "both streams are in one file",
	"serverurl": "the control socket is not told to workers",
}

// option converts one option of a section.
func (p program) option(o option) error {
	if why, ok := supervisordSame[o.name]; ok {
		p.keep(o.written(), why)
		return nil
	}
	if why, ok := supervisordGone[o.name]; ok {
		p.drop(o.written(), why)
		return nil
	}
	if o.name == "environment" {
		return p.environmentOption(o)
	}
	value, err := p.expand(o.value)
	if err != nil {
		return err
	}
	switch o.name {
	case "command":
		argv, err := words(value)
		if err == nil {
			p.set("command", argv, o.written(), "")
		}
		return err
	case "socket":
		return p.socketOption(o, value)
	case "socket_owner":
		owner, group, both := strings.Cut(value, ":")
		p.set("listen_owner", owner, o.written(), "")
		if both {
			p.set("listen_group", group, o.written(), "")
		}
	case "socket_mode", "umask":
		p.set(map[string]string{"socket_mode": "listen_mode", "umask": "umask"}[o.name], octal(value), o.written(), "")
	case "socket_backlog":
		p.number("listen_backlog", value, o)
	case "numprocs":
		p.number("processes", value, o)
	case "directory", "user":
		p.set(o.name, value, o.written(), "")
	case "stopsignal":
		p.set("stop_signal", signalName(value), o.written(), "it is repeated until the worker ends")
	case "stopwaitsecs":
		p.set("stop_timeout", value+"s", o.written(), "")
	case "autostart", "autorestart":
		if truth(value) || value == "unexpected" {
			p.keep(o.written(), "always; a worker that ends is replaced, whatever its exit code")
		} else {
			p.drop(o.written(), "pools start with the supervisor, and workers that end are replaced; leave the pool out to have none")
		}
	default:
		p.logOption(o, value)
	}
	return nil
}

// logOption converts where the output goes; what is left over is unknown.
func (p program) logOption(o option, value string) {
	switch o.name {
	case "stdout_logfile", "stderr_logfile":
		switch strings.ToUpper(value) {
		case "AUTO", "/DEV/STDOUT", "/DEV/STDERR", "SYSLOG", "":
			p.keep(o.written(), "lines go to the supervisor's log, with pool, worker and pid")
		case "NONE":
			p.drop(o.written(), "nothing is thrown away: lines go to the supervisor's log")
		default:
			if p.index("log.file") >= 0 {
				p.drop(o.written(), "both streams are in one file")
				return
			}
			p.set("log.output", "file", o.written(), "")
			p.set("log.file", value, o.written(), "all workers and both streams in one file")
		}
	case "redirect_stderr":
		if truth(value) {
			p.keep(o.written(), "both streams go to the same place")
		} else {
			p.drop(o.written(), "both streams go to the same place")
		}
	case "stdout_logfile_maxbytes":
		if value == "0" {
			p.drop(o.written(), "a log file is always rotated; log.max_size is 50MB unless given")
			return
		}
		p.set("log.max_size", binarySize(value), o.written(), "")
	case "stdout_logfile_backups":
		if n, err := strconv.Atoi(value); err == nil {
			p.set("log.max_files", n+1, o.written(), "ours counts the file being written, too")
		}
	default:
		p.drop(o.written(), "unknown")
	}
}

func (p program) number(path, value string, o option) {
	n, err := strconv.Atoi(value)
	if err != nil {
		p.drop(o.written(), "it is no number")
		return
	}
	p.set(path, n, o.written(), "")
}

func (p program) socketOption(o option, value string) error {
	if path, found := strings.CutPrefix(value, "unix://"); found {
		p.set("listen", "unix:"+path, o.written(), "")
		return nil
	}
	address, found := strings.CutPrefix(value, "tcp://")
	if !found {
		return fmt.Errorf("neither unix:// nor tcp://")
	}
	if host, port, found := strings.Cut(address, ":"); found && (host == "" || host == "*") {
		address = "0.0.0.0:" + port
	}
	p.set("listen", "tcp:"+address, o.written(), "")
	return nil
}

// environmentOption reads KEY="value",KEY2=value.
func (p program) environmentOption(o option) error {
	list, err := pairs(o.value)
	if err != nil {
		return err
	}
	for _, pair := range list {
		theirs := "environment: " + pair[0] + "=" + pair[1]
		value, err := p.expand(pair[1])
		if err != nil {
			p.drop(theirs, err.Error())
			continue
		}
		p.env(pair[0], value, theirs)
	}
	return nil
}

// pairs reads KEY=value,KEY="value, with a comma".
func pairs(text string) (list [][2]string, err error) {
	for text = strings.Trim(text, ", \t\n"); text != ""; text = strings.TrimLeft(text, ", \t\n") {
		name, rest, found := strings.Cut(text, "=")
		if name = strings.TrimSpace(name); !found || name == "" {
			return nil, fmt.Errorf("want NAME=VALUE, found %q", oneLine(text))
		}
		rest = strings.TrimLeft(rest, " \t")
		value := rest
		if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
			end := strings.IndexByte(rest[1:], rest[0])
			if end < 0 {
				return nil, errQuote
			}
			value, text = rest[1:end+1], rest[end+2:]
		} else {
			value, text, _ = strings.Cut(rest, ",")
			value = strings.TrimSpace(value)
		}
		list = append(list, [2]string{name, value})
	}
	return list, nil
}

var expansion = regexp.MustCompile(`%\(([^)]*)\)[0-9]*[sdi]|%%`)

// expand fills in what supervisord would, as far as it is the same for all workers.
func (p program) expand(value string) (text string, err error) {
	text = expansion.ReplaceAllStringFunc(value, func(found string) string {
		if found == "%%" {
			return "%"
		}
		switch name := expansion.FindStringSubmatch(found)[1]; name {
		case "program_name", "group_name":
			return p.name
		case "here":
			folder, _ := filepath.Abs(filepath.Dir(p.file)) // fails only without a working directory
			return folder
		case "process_num":
			err = fmt.Errorf("%s differs from worker to worker, and ours have one command and one socket; a worker finds its number in $FCGI_SUPERVISOR_WORKER", found)
		default:
			err = fmt.Errorf("%s is known only when supervisord runs", found)
		}
		return found
	})
	return text, err
}
