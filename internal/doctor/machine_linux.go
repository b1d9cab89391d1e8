package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/worker"
)

// names are the keys of the configuration as points of the report.
var names = map[string]string{
	"command": "program", "directory": "directory", "user": "user", "group": "user", "supplementary_groups": "user",
	"environment_file": "environment", "listen": "socket folder", "listen_owner": "socket folder", "listen_group": "socket folder",
	"listen_backlog": "backlog", "log.file": "log",
}

// checkMachine reports what the configuration's own check finds, and what was found
// in order.
func (e *examination) checkMachine() {
	wrong := map[string]bool{}
	for _, p := range e.Config.CheckMachine() {
		if p.Pool != e.Pool.Name {
			continue
		}
		check := names[p.Key]
		wrong[check] = true
		switch {
		case strings.HasPrefix(p.Text, "only root may"):
			e.foreign = true
			e.report.unknown(check, p.Text, "sudo")
		case p.Key == "listen" && strings.Contains(p.Text, "is not a socket"):
			e.report.problem(ground, check, p.Text, fmt.Sprintf("mv %s %s.old, or another path in listen", e.Pool.Listen.Path, e.Pool.Listen.Path))
		case !p.Fatal || check == "log":
			e.report.problem(trifle, check, p.Text, p.Remedy)
		case check == "program" && strings.Contains(e.Pool.Command[0], " "):
			e.report.problem(ground, check, p.Text, fmt.Sprintf("each word is a string of its own: command = %q", strings.Fields(e.Pool.Command[0])))
		default:
			e.report.problem(ground, check, p.Text, p.Remedy)
		}
	}
	uid, gid, groups, _, _, err := config.Credentials(e.Pool)
	if err != nil {
		return // said above
	}
	who := config.UserName(uid)
	if !wrong["user"] {
		e.report.ok("user", "workers run as "+who)
	}
	if !wrong["program"] {
		text := fmt.Sprintf("%s may be executed by %s", e.Pool.Command[0], who)
		if by := config.Interpreter(e.Pool.Command[0], uid, gid, groups, pathOf(e.spec.Env)); by != "" {
			text += "; it is read by " + describe(by)
		}
		e.report.ok("program", text)
	}
	if !wrong["directory"] {
		e.report.ok("directory", fmt.Sprintf("%s may be entered by %s", e.Pool.Directory, who))
	}
}

// describe says of an interpreter whether it is the system's or that of a virtual
// environment (PEP 405: pyvenv.cfg beside its folder).
func describe(interpreter string) string {
	folder := filepath.Dir(filepath.Dir(interpreter))
	if _, err := os.Stat(filepath.Join(folder, "pyvenv.cfg")); err == nil {
		return fmt.Sprintf("%s, of the virtual environment %s", interpreter, folder)
	}
	if real, err := filepath.EvalSymlinks(interpreter); err == nil && real != interpreter {
		return fmt.Sprintf("%s (%s)", interpreter, real)
	}
	return interpreter
}

func pathOf(environment []string) string {
	for _, v := range environment {
		if path, ok := strings.CutPrefix(v, "PATH="); ok {
			return path
		}
	}
	return config.DefaultPath
}

// credentials are who the trial's worker is.
func credentials(spec worker.Spec) (uid, gid uint32, groups []uint32) {
	if c := spec.Credential; c != nil {
		return c.UID, c.GID, c.Groups
	}
	return uint32(os.Geteuid()), uint32(os.Getegid()), nil
}
