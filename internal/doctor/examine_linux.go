package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"fcgi-supervisor/internal/executor"
	"fcgi-supervisor/internal/fastcgi"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/worker"
)

// examination is one look at one pool.
type examination struct {
	Options
	ctx     context.Context
	report  *Report
	spec    worker.Spec    // what a worker is born with
	socket  *listen.Socket // who listens at the address; nil: nobody
	foreign bool           // only root could start such a worker
	killed  bool           // a worker was killed
}

// Examine looks at a pool and says what is wrong with it. It takes a few seconds,
// and up to some times Patience when something hangs.
func Examine(ctx context.Context, o Options) *Report {
	e := &examination{Options: o, ctx: ctx, report: &Report{Pool: o.Pool.Name, Findings: []Finding{}}}
	spec, err := executor.Spec(o.Pool, e.inherited())
	e.spec = spec
	e.checkMachine()
	if err != nil && !e.report.has(ground) {
		e.report.problem(ground, "start", err.Error(), "")
	}
	e.checkState()
	e.checkSocket()
	e.checkLimits()
	switch {
	case e.report.blocksStart():
		e.report.unknown("start", "a worker was not started: what is wrong above would keep it from that", "")
	case e.foreign:
		e.report.unknown("start", "a worker was not started: only root can, as that user", "sudo")
	case o.NoStart:
		e.report.unknown("start", "a worker was not started, as you wish (--no-start)", "")
	case e.bindsAddress():
		e.report.problem(ground, "start", fmt.Sprintf("%s names the pool's socket %s itself: it makes a socket of its own there, instead of taking connections from descriptor 0", e.program(), e.address().Path),
			"take the path out of the program (flup: no bindAddress; FCGI.pm: no OpenSocket): the socket is on descriptor 0; a worker was not started, which could have taken the socket away")
	default:
		e.tryOut()
	}
	e.askLive()
	e.checkKernelLog()
	e.report.conclude()
	return e.report
}

// blocksStart says that the program, its user or its directory are at fault: a
// trial could only say the same once more.
func (r *Report) blocksStart() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Verdict == Problem && f.weight >= ground &&
			slices.Contains([]string{"program", "user", "directory", "environment", "start"}, f.Check)
	})
}

// inherited looks up what workers inherit: from the supervisor that runs, as far as
// it may be asked (proc_pid_environ(5)), else from us.
func (e *examination) inherited() func(string) (string, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", e.SupervisorPID))
	if err != nil || e.SupervisorPID == 0 {
		return os.LookupEnv
	}
	values := map[string]string{}
	for v := range strings.SplitSeq(string(text), "\x00") {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	return func(name string) (string, bool) {
		value, set := values[name]
		return value, set
	}
}

// bindsAddress says that the program's own script names the path that the pool
// listens on, outside of comments, while somebody listens there: to start it could
// take the socket away from the clients that it has.
func (e *examination) bindsAddress() bool {
	if e.socket == nil || e.address().Kind != listen.Unix {
		return false
	}
	text, err := os.ReadFile(e.scriptOrProgram())
	if err != nil || len(text) > maxSource {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if code := strings.TrimSpace(line); strings.Contains(code, e.address().Path) && !strings.HasPrefix(code, "#") && !strings.HasPrefix(code, "//") {
			return true
		}
	}
	return false
}

// askLive asks the pool itself, by its own socket, if nothing was found so far: its
// workers may be older than what the trial has started.
func (e *examination) askLive() {
	if e.socket == nil || e.Status == nil || e.Status.Ready == 0 || e.report.has(consequence) {
		return
	}
	a := e.address()
	network, address := "unix", a.Path
	switch a.Kind {
	case listen.Abstract:
		address = "@" + address
	case listen.TCP:
		network, address = "tcp", net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
	}
	ctx, cancel := context.WithTimeout(e.ctx, e.Patience)
	defer cancel()
	conn, err := fastcgi.Dial(ctx, network, address)
	if errors.Is(err, os.ErrPermission) {
		e.report.unknown("pool's answer", err.Error(), "as root")
		return
	}
	if err != nil {
		e.report.problem(ground, "pool's answer", err.Error(), fastcgi.Advice(err))
		return
	}
	r := ask(ctx, e.ask(e.prefix()), conn)
	switch {
	case r.timedOut():
		e.report.problem(ground, "pool's answer", fmt.Sprintf("the pool does not answer %s within %s, although a worker that is started now does", e.path(), worker.Span(e.Patience)),
			"fcgi-supervisor restart "+e.Pool.Name, e.occupations(e.workerPIDs())...)
	case !r.fine():
		e.report.problem(ground, "pool's answer", fmt.Sprintf("the pool answers %s wrongly, although a worker that is started now does not: %s", e.path(), outcomeOf(r)),
			"fcgi-supervisor reload "+e.Pool.Name+": its workers may be older than the program", lastLines(r.stderr, quotedLines)...)
	default:
		e.report.ok("pool's answer", fmt.Sprintf("%s is answered with status %d by the pool's socket, in %s", e.path(), r.status, worker.Span(r.took)))
	}
}

func outcomeOf(r reply) string {
	if r.err != nil {
		return r.err.Error()
	}
	return fmt.Sprintf("status %d", r.status)
}
