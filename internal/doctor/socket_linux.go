package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
)

// checkSocket looks at the pool's address from outside: is it there, is it ours, may
// the web server connect.
func (e *examination) checkSocket() {
	a := e.address()
	if a.Kind == listen.Systemd || a.Kind == listen.FD {
		e.report.unknown("socket", fmt.Sprintf("where %s listens is known only to whoever opened it, as long as the pool does not run", a), "start the supervisor, and call doctor again")
		return
	}
	if a.Kind == listen.Unix && !e.checkFile(a.Path) {
		return
	}
	socket, err := listen.At(a)
	switch {
	case err != nil:
		e.report.unknown("socket", fmt.Sprintf("look who listens on %s: %v", a, err), "")
		return
	case socket == nil:
		e.nobodyListens(a)
		return
	}
	e.socket = socket
	if e.checkHolders(a, socket) {
		e.checkVisitors(a)
		e.checkQueue(socket)
	}
}

// address is where clients reach the pool: a socket that was handed to the supervisor
// is where that says it is.
func (e *examination) address() listen.Address {
	if e.Status != nil && e.Status.Address != nil {
		if a, err := listen.Parse(*e.Status.Address); err == nil {
			return a
		}
	}
	return e.Pool.Listen
}

// checkFile judges what lies at a socket's path.
func (e *examination) checkFile(path string) bool {
	info, err := os.Lstat(path)
	switch {
	case os.IsNotExist(err):
		e.nobodyListens(e.address())
		return false
	case err != nil:
		e.report.unknown("socket", fmt.Sprintf("look at %s: %v", path, err), "")
		return false
	case info.Mode().Type() != os.ModeSocket:
		e.report.problem(ground, "socket", fmt.Sprintf("%s is not a socket: nothing can listen there", path), fmt.Sprintf("mv %s %s.old, or another path in listen", path, path))
		return false
	}
	return true
}

// nobodyListens tells a socket that is stale from one that is not there, and both
// from a pool that does not run.
func (e *examination) nobodyListens(a listen.Address) {
	_, missing := os.Lstat(a.Path)
	stale := a.Kind == listen.Unix && missing == nil
	switch {
	case e.Status != nil && e.Status.State == "stopped":
		return // the pool's state says it
	case e.Status != nil && stale:
		e.report.problem(ground, "socket", fmt.Sprintf("%s is a stale socket: nobody listens on it any more, and not the pool either", a),
			e.reopen())
	case e.Status != nil && a.Kind == listen.Unix:
		e.report.problem(ground, "socket", fmt.Sprintf("somebody has removed the socket %s of the running pool", a.Path),
			e.reopen()+", and find out who removes it (a clean-up of /tmp?)")
	case e.Status != nil:
		e.report.problem(ground, "socket", fmt.Sprintf("nobody listens on %s", a), e.reopen())
	case stale:
		e.report.problem(consequence, "socket", fmt.Sprintf("%s is a stale socket: nobody listens on it, so that the web server is refused", a), e.howToRun())
	case e.Stray:
		e.report.unknown("socket", fmt.Sprintf("nobody listens on %s yet", a), "")
	default:
		e.report.problem(trifle, "socket", fmt.Sprintf("nobody listens on %s: the supervisor is not running", a), e.howToRun())
	}
}

// reopen is how the pool gets its socket once more, from whoever opens it.
func (e *examination) reopen() string {
	switch a := e.Pool.Listen; a.Kind {
	case listen.Systemd:
		return "systemctl restart the socket unit of " + a.Name
	case listen.FD:
		return "restart what has started the supervisor: it has opened the socket"
	}
	return "fcgi-supervisor restart " + e.Pool.Name
}

// admit is how the web server's user is let in to the socket itself.
func (e *examination) admit(user string) string {
	switch e.Pool.Listen.Kind {
	case listen.Systemd:
		return fmt.Sprintf("SocketUser=%s and SocketMode=0660 in the socket unit", user)
	case listen.FD:
		return fmt.Sprintf("give the socket to %s where it is opened (spawn-fcgi: -U %s -M 0660)", user, user)
	}
	return fmt.Sprintf("listen_owner or listen_group = %q, listen_mode = \"0660\"", user)
}

func (e *examination) howToRun() string {
	if e.Stray {
		return "fcgi-supervisor run with the same flags"
	}
	return "systemctl start fcgi-supervisor, or fcgi-supervisor run --config " + e.Config.Path
}

// checkHolders compares who listens at the address with the pool's workers.
func (e *examination) checkHolders(a listen.Address, socket *listen.Socket) bool {
	holders, hidden := listen.Holders(socket.Inode())
	var strangers []string
	ours := e.workerPIDs()
	for _, h := range holders {
		if ours[h.PID] {
			e.report.ok("socket", fmt.Sprintf("%s is the pool's own", a))
			return true
		}
		strangers = append(strangers, h.String())
	}
	switch {
	case len(strangers) > 0 && len(ours) == 0 && e.supervisedBy(holders):
		e.report.ok("socket", fmt.Sprintf("%s is the supervisor's", a))
		return true
	case len(strangers) > 0:
		who := strings.Join(strangers[:min(len(strangers), 3)], ", ")
		e.report.problem(ground, "socket", fmt.Sprintf("somebody else listens on %s: %s", a, who), fmt.Sprintf("end it (kill %d), or another address in listen", holders[0].PID))
	case hidden > 0:
		e.report.unknown("socket", fmt.Sprintf("who listens on %s: %d processes may not be looked into", a, hidden), "as root")
		return true
	default:
		e.report.unknown("socket", fmt.Sprintf("who listens on %s cannot be seen from here", a), "")
		return true
	}
	return false
}

// workerPIDs are the processes that may hold the pool's socket.
func (e *examination) workerPIDs() map[int]bool {
	pids := map[int]bool{}
	if e.Status == nil {
		return pids
	}
	for _, w := range e.Status.Workers {
		if w.PID != nil {
			pids[*w.PID] = true
		}
	}
	return pids
}

func (e *examination) supervisedBy(holders []listen.Holder) bool {
	for _, h := range holders {
		if h.PID == e.SupervisorPID {
			return true
		}
	}
	return false
}

// checkVisitors asks whether the web server's user may connect, along the whole
// path.
func (e *examination) checkVisitors(a listen.Address) {
	if a.Kind != listen.Unix {
		return
	}
	who, err := visitors(e.As)
	switch {
	case err != nil:
		e.report.unknown("web server", fmt.Sprintf("find the web server's user: %v", err), "")
		return
	case len(who) == 0:
		e.report.unknown("web server", "no web server is running, so it is not known as whom it connects", "--as USER")
		return
	}
	var refusal *Finding
	var able []string
	for _, v := range who {
		f := e.mayConnect(v, a.Path)
		if f == nil {
			able = append(able, v.name)
		} else if refusal == nil || refusal.Verdict == Unknown {
			refusal = f
		}
	}
	if len(able) > 0 {
		e.report.ok("web server", fmt.Sprintf("%s may connect to %s", strings.Join(able, ", "), a.Path))
		return
	}
	e.report.add(*refusal)
}

// private are the folders that systemd gives a service of its own, or hides:
// PrivateTmp= and ProtectHome= of systemd.exec(5).
var private = regexp.MustCompile(`^/(tmp|var/tmp|home|root|run/user)/`)

func (e *examination) mayConnect(v visitor, path string) *Finding {
	problem := Finding{Check: "web server", Verdict: Problem, weight: ground}
	if v.pid != 0 && !sees(v.pid, path) {
		if !private.MatchString(path) { // in a container, perhaps, that has the socket elsewhere
			return &Finding{Check: "web server", Verdict: Unknown, Text: fmt.Sprintf("%s does not see %s: it has a file system of its own", v.name, path)}
		}
		problem.Text = fmt.Sprintf("%s does not see %s: it has folders of its own there (PrivateTmp=, ProtectHome=)", v.name, path)
		problem.Remedy = "a socket in /run, as in listen = \"unix:/run/fcgi-supervisor/" + e.Pool.Name + ".sock\""
		return &problem
	}
	text, remedy := config.ExplainConnect(path, v.uid, v.gid, v.groups)
	if text == "" {
		return nil
	}
	problem.Text = fmt.Sprintf("the web server, %s, may not connect: %s", v.name, text)
	problem.Remedy = remedy
	if strings.HasPrefix(text, path+" ") {
		problem.Remedy = e.admit(config.UserName(v.uid))
	} else if remedy == "" {
		problem.Remedy = "see namei -l " + filepath.Dir(path)
	}
	return &problem
}
