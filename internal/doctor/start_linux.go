package doctor

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"fcgi-supervisor/worker"
)

// moreMemory is what helps when the kernel has ended a process for its memory.
const moreMemory = "fewer processes, or more memory: see that of the machine (free -m), MemoryMax= of the unit and the limit of the container"

// quotedLines bounds how much of a program's words is quoted.
const quotedLines = 20

// tryOut starts a worker of our own and asks it one request.
func (e *examination) tryOut() {
	t, err := begin(e.spec)
	if err != nil {
		e.report.problem(ground, "start", fmt.Sprintf("a worker cannot be started: %v", err), "")
		return
	}
	defer t.end()
	switch t.wait(e.ctx, e.Patience) {
	case ended:
		e.blameEnd(t)
	case strayed:
		e.blameStray(t)
	case silent:
		e.blameSilence(t)
	case unseen:
		e.report.unknown("start", "the kernel does not tell whether the worker waits for connections", "as root")
		e.question(t)
	case ready:
		e.report.ok("start", fmt.Sprintf("%s waits for connections on descriptor 0", e.program()))
		e.question(t)
	}
}

func (e *examination) program() string { return filepath.Base(e.Pool.Command[0]) }

// cgiHead is how a CGI program begins to answer.
var cgiHead = regexp.MustCompile(`(?im)\A\s*(?:HTTP/1\.\d \d{3}|Status:|Content-Type:|X-Powered-By:|Set-Cookie:|Location:)`)

// blameEnd says why a worker ended before it waited for a connection.
func (e *examination) blameEnd(t *trial) {
	words, how := t.words(), t.exit.Text()
	quoted := lastLines(words, quotedLines)
	e.killed = t.exit.Signal == killSignal
	if len(t.pids()) > 0 || t.exit.Code == 0 && t.exit.Signal == 0 && !cgiHead.MatchString(words) && leavesOne(e.ctx, e.spec) {
		e.report.problem(ground, "start", fmt.Sprintf("%s makes itself a daemon: the process that was started ends, and another goes on in the background", e.program()),
			"find its option to stay in the foreground (--foreground, -F, --nodaemon, daemon off)", quoted...)
		return
	}
	d, known := recognise(words, e.absent)
	switch {
	case t.exit.OOM:
		e.report.problem(ground, "start", "the kernel ended the worker because memory ran out, before it waited for a connection", moreMemory, quoted...)
	case t.exit.Signal != 0 && !known:
		e.report.problem(ground, "start", fmt.Sprintf("the worker crashes before it waits for a connection: it is %s", how), "a bug in the program or a library: run it under gdb or valgrind", quoted...)
	case cgiHead.MatchString(words):
		e.report.problem(ground, "start", fmt.Sprintf("%s is a CGI program: it prints one answer and ends, instead of taking connections from descriptor 0", e.program()),
			"run it by fcgiwrap: command = [\"/usr/sbin/fcgiwrap\"]", quoted...)
	case known:
		e.report.problem(ground, "start", fmt.Sprintf("%s ends before it waits for a connection (%s): %s", e.program(), how, d.what), e.remedyOf(d), quoted...)
	case e.blameHabit(quoted):
	case t.exit.Code == 0 && len(quoted) == 0:
		e.report.problem(ground, "start", fmt.Sprintf("%s ends at once, with exit code 0 and without a word: it does not take connections from descriptor 0, or goes into the background", e.program()),
			"is it a FastCGI program? for a CGI program use fcgiwrap; a daemon needs its option to stay in the foreground")
	case len(quoted) == 0 && e.blameLog(t):
	case len(quoted) == 0:
		e.report.problem(ground, "start", fmt.Sprintf("%s ends before it waits for a connection, with %s and without a word", e.program(), how), "see its own log file")
	default:
		e.report.problem(ground, "start", fmt.Sprintf("%s ends before it waits for a connection, with %s; its last words: %s", e.program(), how, quoted[len(quoted)-1]), "", quoted...)
	}
	if !t.exit.OOM && (!known || d.vague()) {
		e.differ()
	}
}

// blameLog quotes what a worker that has said nothing has written to a file of its own;
// false if it has not.
func (e *examination) blameLog(t *trial) bool {
	path, lines := e.ownLog(t.begun)
	if path == "" || len(lines) == 0 {
		return false
	}
	what, remedy := "its last words: "+lines[len(lines)-1], ""
	if d, known := recognise(strings.Join(lines, "\n"), e.absent); known {
		what, remedy = d.what, e.remedyOf(d)
	}
	e.report.problem(ground, "start", fmt.Sprintf("%s ends before it waits for a connection, with %s; in %s: %s", e.program(), t.exit.Text(), path, what), remedy, lines...)
	return true
}

// blameStray is for a worker that listens, but not where it should.
func (e *examination) blameStray(t *trial) {
	where := strings.Join(t.own, ", ")
	quoted := lastLines(t.words(), quotedLines)
	if strings.HasPrefix(where, "unix:") {
		e.report.problem(ground, "start", fmt.Sprintf("%s makes a socket of its own, %s, instead of taking connections from descriptor 0", e.program(), where),
			"take the path out of the program (flup: no bindAddress; uWSGI: no socket option): the socket is on descriptor 0", quoted...)
		return
	}
	if e.program() == "plackup" {
		e.report.problem(ground, "start", fmt.Sprintf("plackup starts a server of its own on %s instead of taking connections from descriptor 0", where), `add "-s", "FCGI", "--manager", "" to command`, quoted...)
		return
	}
	e.report.problem(ground, "start", fmt.Sprintf("%s starts a server of its own on %s instead of taking connections from descriptor 0", e.program(), where),
		"call app.run() or the like only if __name__ == '__main__', and serve FastCGI; a program that speaks HTTP only needs no FastCGI: let the web server proxy to it", quoted...)
}

// blameSilence is for a worker that lives and never waits for a connection.
func (e *examination) blameSilence(t *trial) {
	quoted := lastLines(t.words(), quotedLines)
	doing := t.doing()
	text := fmt.Sprintf("%s has not waited for a connection on descriptor 0 within %s", e.program(), worker.Span(e.Patience))
	if doing != "" {
		text += ": " + doing
	}
	if d, known := recognise(t.words(), e.absent); known {
		e.report.problem(ground, "start", text+"; "+d.what, e.remedyOf(d), quoted...)
		return
	}
	remedy := "find out what it waits for before it serves; raise --timeout and start_timeout if it is only slow"
	if strings.Contains(doing, "descriptor 0 (socket") && strings.Contains(doing, "read") {
		remedy = "it reads descriptor 0 as a CGI program reads its input: is it a FastCGI program?"
	}
	e.report.problem(ground, "start", text, remedy, quoted...)
}
