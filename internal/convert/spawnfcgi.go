package convert

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// spawnFcgi reads a command line of spawn-fcgi(1), of multiwatch(1), or of the one
// with the other behind it.
func spawnFcgi(argv []string) ([]*pool, error) {
	for i, word := range argv {
		if err := textual([]byte(word + "x")); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	if len(argv) == 0 {
		return nil, errors.New("no arguments; try: -- spawn-fcgi -s /run/app.sock -- /srv/app.fcgi")
	}
	p := &pool{origin: strings.Join(argv, " ")}
	if filepath.Base(argv[0]) == "multiwatch" {
		p.set("listen", "fd:0", "", "multiwatch takes the socket that it was started with; an address of your own is better")
		return []*pool{p}, p.multiwatch(argv[1:])
	}
	if filepath.Base(argv[0]) == "spawn-fcgi" {
		argv = argv[1:]
	}
	return []*pool{p}, p.spawn(argv)
}

// spawn reads the options of spawn-fcgi and the program behind them.
func (p *pool) spawn(argv []string) error {
	found, rest, err := options(argv, "fdapsCFbPMcuUgG", "nSvh?")
	if err != nil {
		return fmt.Errorf("spawn-fcgi: %w", err)
	}
	host, port := "0.0.0.0", ""
	for _, o := range found {
		written := strings.TrimSpace("-" + o.name + " " + o.value)
		switch o.name {
		case "s":
			path := o.value
			if !filepath.IsAbs(path) {
				return fmt.Errorf("spawn-fcgi -s %s: a relative path; write it from the root", path)
			}
			p.set("listen", "unix:"+path, written, "")
		case "a":
			host = o.value
		case "p":
			port = o.value
		case "C":
			p.env(phpChildren, o.value, written)
		case "f":
			if len(rest) == 0 {
				if rest, err = words(o.value); err != nil {
					return fmt.Errorf("spawn-fcgi -f: %w", err)
				}
			}
		case "F", "b":
			p.count(map[string]string{"F": "processes", "b": "listen_backlog"}[o.name], o.value, written)
		case "d":
			p.set("directory", o.value, written, "")
		case "u", "g":
			p.set(map[string]string{"u": "user", "g": "group"}[o.name], o.value, written, "")
		case "U", "G":
			p.set(map[string]string{"U": "listen_owner", "G": "listen_group"}[o.name], o.value, written, "")
		case "M":
			p.set("listen_mode", octal(o.value), written, "")
		case "P":
			p.drop(written, "fcgi-supervisor status tells the pids")
		case "n":
			p.keep(written, "run stays in the foreground")
		case "c", "S":
			p.drop(written, "there is no chroot; let a unit file say RootDirectory=")
		default:
			return fmt.Errorf("spawn-fcgi %s starts nothing", written)
		}
	}
	if port != "" {
		p.set("listen", "tcp:"+net.JoinHostPort(strings.Trim(host, "[]"), port), "-a "+host+" -p "+port, "")
	}
	return p.program(rest)
}

// program is what spawn-fcgi starts: a worker, or multiwatch with its workers.
func (p *pool) program(argv []string) error {
	if len(argv) == 0 {
		return errors.New("spawn-fcgi: no program is named; write it after --")
	}
	if filepath.Base(argv[0]) == "multiwatch" {
		return p.multiwatch(argv[1:])
	}
	p.set("command", argv, strings.Join(argv, " "), "")
	p.setDefault("processes", 1, "theirs without -F; ours would be 5")
	return nil
}

// multiwatch reads multiwatch's options and the program behind them.
func (p *pool) multiwatch(argv []string) error {
	argv = shortened(argv, map[string]string{"--forks": "-f", "--retry": "-r", "--timeout": "-t", "--signal": "-s"})
	found, rest, err := options(argv, "frts", "v?")
	if err != nil {
		return fmt.Errorf("multiwatch: %w", err)
	}
	signal := ""
	for _, o := range found {
		written := "multiwatch -" + o.name + " " + o.value
		switch o.name {
		case "f":
			p.count("processes", o.value, written)
		case "r", "t":
			p.keep(written, "it never gives up: the delay doubles up to restart.delay_max (30s)")
		case "s":
			signal = o.value
			p.set("stop_signal", signalName(o.value), written, "it is repeated until the worker ends, and SIGKILL follows")
		default:
			return fmt.Errorf("%s starts nothing", written)
		}
	}
	if len(rest) == 0 {
		return errors.New("multiwatch: no program is named; write it after --")
	}
	if signal == "" {
		p.drop("multiwatch's SIGUSR1", "the stop signal is SIGTERM, which more programs know; stop_signal = \"SIGUSR1\" has the old one back")
	}
	p.set("command", rest, strings.Join(rest, " "), "")
	p.setDefault("processes", 1, "theirs without -f; ours would be 5")
	return nil
}

func (p *pool) count(path, value, written string) {
	n, err := strconv.Atoi(value)
	if err != nil {
		p.drop(written, "it is no number")
		return
	}
	p.set(path, n, written, "")
}

// options reads short options as getopt(3) does: those in valued take a value,
// beside them or as the next word.
func options(argv []string, valued, plain string) (found []option, rest []string, err error) {
	for len(argv) > 0 {
		word := argv[0]
		if word == "--" {
			return found, argv[1:], nil
		}
		if len(word) < 2 || word[0] != '-' {
			return found, argv, nil
		}
		argv = argv[1:]
		for i := 1; i < len(word); i++ {
			name := word[i : i+1]
			switch {
			case strings.Contains(plain, name):
				found = append(found, option{name: name})
				continue
			case !strings.Contains(valued, name):
				return nil, nil, fmt.Errorf("unknown option -%s", name)
			}
			value := word[i+1:]
			if value == "" {
				if len(argv) == 0 {
					return nil, nil, fmt.Errorf("-%s has no value", name)
				}
				value, argv = argv[0], argv[1:]
			}
			found = append(found, option{name: name, value: value})
			break
		}
	}
	return found, nil, nil
}

// shortened replaces long options, with their value beside them or after =.
func shortened(argv []string, short map[string]string) []string {
	var list []string
	for i, word := range argv {
		if word == "--" {
			return append(list, argv[i:]...)
		}
		name, value, assigned := strings.Cut(word, "=")
		letter, known := short[name]
		switch {
		case known && assigned:
			list = append(list, letter, value)
		case known:
			list = append(list, letter)
		default:
			list = append(list, word)
		}
	}
	return list
}

var (
	assignment = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)
	reference  = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)
)

// spawnScript reads the command lines of spawn-fcgi and multiwatch in a script,
// such as a run file of daemontools. It knows variables that are set in the script,
// also to a command line, and no other part of the shell's language.
func spawnScript(s *source, path string) ([]*pool, error) {
	text, done, err := s.file(path)
	if err != nil {
		return nil, err
	}
	defer done()
	variables := map[string]string{}
	var pools []*pool
	for i, line := range strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		argv, environment := scriptLine(line, variables)
		if len(argv) == 0 || !isStarter(argv[0]) {
			continue
		}
		p := spawnLine(argv, environment)
		p.origin = fmt.Sprintf("%s in %s:%d", filepath.Base(argv[0]), path, i+1)
		pools = append(pools, p)
	}
	return pools, nil
}

func isStarter(program string) bool {
	base := filepath.Base(program)
	return base == "spawn-fcgi" || base == "multiwatch"
}

// scriptLine is the command in a line, with what is put into its environment; a
// line that only sets variables is remembered.
func scriptLine(line string, variables map[string]string) (argv []string, environment map[string]string) {
	argv, err := words(fillVariables(line, variables))
	if err != nil {
		return nil, nil // a part of the shell's language that is none of our business
	}
	environment = map[string]string{}
	for len(argv) > 0 {
		if found := assignment.FindStringSubmatch(argv[0]); found != nil {
			environment[found[1]] = found[2]
		} else if argv[0] != "exec" && argv[0] != "export" {
			return argv, environment
		}
		argv = argv[1:]
	}
	maps.Copy(variables, environment)
	for _, value := range environment {
		if command, err := words(value); err == nil && len(command) > 1 && isStarter(command[0]) {
			return command, nil
		}
	}
	return nil, nil
}

// spawnLine is a command line with variables in front.
func spawnLine(argv []string, environment map[string]string) *pool {
	pools, err := spawnFcgi(argv)
	if err != nil {
		return &pool{fault: err}
	}
	p := pools[0]
	for _, word := range argv {
		if reference.MatchString(word) {
			return &pool{fault: fmt.Errorf("what %s is, is known only to the shell; write it out", reference.FindString(word))}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		p.env(name, environment[name], name+"="+environment[name])
	}
	return p
}

func fillVariables(line string, variables map[string]string) string {
	return reference.ReplaceAllStringFunc(line, func(found string) string {
		name := strings.Trim(found, "${}")
		if value, known := variables[name]; known {
			return value
		}
		return found
	})
}
