package doctor

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/worker"
)

// checkState judges what the supervisor says of the pool.
func (e *examination) checkState() {
	p := e.Status
	if p == nil {
		if e.Running && !e.Stray {
			e.report.problem(ground, "pool", "the running supervisor has no pool "+e.Pool.Name+": it has not read the configuration since that was written",
				fmt.Sprintf("kill -HUP %d", e.SupervisorPID))
		}
		return
	}
	switch {
	case p.State == "stopped":
		e.report.problem(ground, "pool", "the pool is stopped: somebody has asked for that", "fcgi-supervisor start "+p.Name)
	case p.State == "backoff" || p.Ready == 0:
		text, output := "no worker of the pool is ready", []string(nil)
		if f := p.LastFailure; f != nil {
			text, output = fmt.Sprintf("the pool's workers do not become ready: %s", f.Text), f.Output
		}
		e.report.problem(consequence, "pool", text, "fcgi-supervisor start "+p.Name+", when the cause is mended", output...)
	case !p.Healthy:
		e.report.problem(consequence, "pool", "the pool's probe is not answered as it should be", "fcgi-supervisor events "+p.Name)
	default:
		e.report.ok("pool", fmt.Sprintf("%s, %d of %d workers ready", p.State, p.Ready, p.Processes))
	}
	if r := p.LastReload; r != nil && r.Result != nil && *r.Result == "failed" {
		e.report.problem(consequence, "reload", "the last reload has failed, so an older version serves: "+r.Text, "", r.Output...)
	}
	e.checkExits(p)
}

// checkExits finds workers that do become ready, and then die.
func (e *examination) checkExits(p *control.Pool) {
	for _, s := range p.Slots {
		x := s.LastExit
		if x == nil || s.Restarts == 0 && x.Reason != "oom" {
			continue
		}
		detail := append([]string{fmt.Sprintf("worker %d: %s", s.Slot, x.Text)}, x.Output...)
		switch x.Reason {
		case "oom":
			e.report.problem(ground, "memory", fmt.Sprintf("the kernel ends workers because memory runs out: %s", x.Text),
				moreMemory, detail...)
			return
		case "signal":
			if !strings.Contains(x.Text, "SIGKILL") && !strings.Contains(x.Text, "SIGTERM") {
				e.report.problem(ground, "exits", fmt.Sprintf("workers crash: %s", x.Text),
					"a bug in the program or a library: limits core = \"unlimited\", then coredumpctl or gdb", detail...)
				return
			}
		case "exit_nonzero":
			if e.reportWords(ground, "exits", "workers end while they serve, with "+x.Text, strings.Join(x.Output, "\n"), detail) {
				return
			}
		}
	}
}

// reportWords reports a problem whose cause the worker's own words tell; false if
// they do not.
func (e *examination) reportWords(w weight, check, happened, words string, detail []string) bool {
	d, known := recognise(words, e.absent)
	if !known {
		return false
	}
	e.report.problem(w, check, happened+": "+d.what, e.remedyOf(d), detail...)
	return true
}

// checkQueue looks at who waits on the pool's socket, and for what.
func (e *examination) checkQueue(socket *listen.Socket) {
	figures, err := socket.Figures()
	if err != nil {
		e.report.unknown("queue", err.Error(), "")
		return
	}
	if e.Status == nil || e.Status.Ready == 0 {
		return // nobody could take from it
	}
	workers := e.Status.Ready
	if figures.Queue == 0 {
		e.report.ok("queue", fmt.Sprintf("empty, of %d; %d connections are being served", figures.Backlog, len(figures.Accepted)))
		return
	}
	full := ""
	if figures.Queue >= figures.Backlog {
		full = fmt.Sprintf("the queue is full (%d of %d), so that clients are refused: ", figures.Queue, figures.Backlog)
	}
	pids := e.workerPIDs()
	held, resting := e.connections(pids, figures)
	switch {
	case held >= workers && resting >= workers:
		e.report.problem(ground, "queue", fmt.Sprintf("%severy worker is held by a kept (keep-alive) connection on which nothing comes, and %d clients wait behind", full, figures.Queue),
			"switch keep-alive to the application off: nginx: no fastcgi_keep_conn; HAProxy: no option keep-conn; Apache: no enablereuse")
	case held >= workers:
		e.report.problem(ground, "queue", fmt.Sprintf("%sall %d workers are busy, and %d clients wait", full, workers, figures.Queue),
			"find out what they wait for, or: fcgi-supervisor scale "+e.Pool.Name+" "+strconv.Itoa(2*workers), e.occupations(pids)...)
	default:
		e.report.ok("queue", fmt.Sprintf("%d of %d waiting at this moment", figures.Queue, figures.Backlog))
	}
}

// restTime is how long a kept connection must be silent to be taken for idle, as
// the supervisor does in a drain.
const restTime = time.Second

// connections counts the workers that hold a connection, and those of them that
// wait for its client to say something, all the time of two looks.
func (e *examination) connections(pids map[int]bool, first listen.Figures) (held, resting int) {
	before := map[int]uint64{}
	for pid := range pids {
		if inodes, err := worker.Held(pid, first.Accepted); err == nil && len(inodes) > 0 {
			held++
		}
		if at, progress := worker.AtRest(pid, idle(first)); len(at) > 0 {
			before[pid] = progress
		}
	}
	if len(before) == 0 {
		return held, 0
	}
	timer := time.NewTimer(restTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.ctx.Done():
	}
	second, err := e.socket.Figures()
	if err != nil {
		return held, 0
	}
	for pid, progress := range before {
		if at, now := worker.AtRest(pid, idle(second)); len(at) > 0 && now == progress {
			resting++
		}
	}
	return held, resting
}

// idle are the connections in which nothing waits to be read.
func idle(f listen.Figures) map[uint64]bool {
	silent := map[uint64]bool{}
	for inode := range f.Accepted {
		if !f.Unread[inode] {
			silent[inode] = true
		}
	}
	return silent
}

// occupations say what workers are doing.
func (e *examination) occupations(pids map[int]bool) []string {
	var lines []string
	for pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		if what := blockedIn(pid, string(text)); err == nil && what != "" {
			lines = append(lines, fmt.Sprintf("pid %d: %s", pid, what))
		}
	}
	slices.Sort(lines)
	return lines[:min(len(lines), 5)]
}

// checkLimits finds workers that are about to reach their limit of open files.
func (e *examination) checkLimits() {
	pids := e.workerPIDs()
	for pid := range pids {
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		limit := openFiles(pid)
		if err == nil && limit > 0 && len(open)*20 >= limit*19 {
			e.report.problem(ground, "limits", fmt.Sprintf("worker pid %d has %d of %d files open", pid, len(open), limit),
				"raise nofile in limits, and look for files that the program never closes")
			return
		}
	}
	if len(pids) > 0 {
		e.report.ok("limits", "no worker is near its limit of open files")
	}
}

// openFiles is the soft limit of proc_pid_limits(5), 0 if it is not known.
func openFiles(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			soft, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			n, _ := strconv.Atoi(soft)
			return n
		}
	}
	return 0
}
