package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fcgi-supervisor/internal/fastcgi"
	"fcgi-supervisor/worker"
)

// stopPatience bounds how long a worker's stop is waited for.
const stopPatience = 5 * time.Second

// question asks the trial worker one request and judges the answer; then whether it
// can go on, and how it stops.
func (e *examination) question(t *trial) {
	r := e.askTrial(t, e.ask(e.prefix()))
	switch {
	case r.err != nil:
		e.blameFault(t, r)
	case r.status >= http.StatusInternalServerError:
		e.blameStatus(t, r)
	case r.status >= http.StatusBadRequest:
		e.judgeRefusal(t, r)
	default:
		e.report.ok("answer", fmt.Sprintf("%s is answered with status %d in %s", e.path(), r.status, worker.Span(r.took)), append([]string{r.names}, r.lines...)...)
	}
	if r.err != nil {
		return
	}
	if !t.again(e.ctx) {
		e.killed = t.exit.Signal == killSignal
		e.report.problem(ground, "next request", fmt.Sprintf("the worker ends after one request (%s): every request costs a start", t.exit.Text()),
			"accept in a loop (while FCGI_Accept() >= 0); PHP: PHP_FCGI_MAX_REQUESTS; uWSGI: max-requests", lastLines(t.words(), quotedLines)...)
		return
	}
	e.report.ok("next request", "the worker waits for the next one")
	e.judgeStop(t)
}

func (e *examination) path() string {
	switch {
	case e.Path != "":
		return e.Path
	case e.Pool.Probe.Path != "":
		return e.Pool.Probe.Path
	}
	return e.prefix() + "/"
}

func (e *examination) prefix() string { return strings.TrimSuffix(e.Prefix, "/") }

// ask is the question, with the application mounted at prefix.
func (e *examination) ask(prefix string) question {
	q := question{path: e.path(), prefix: prefix, directory: e.Pool.Directory}
	q.script = e.scriptFile()
	for name, value := range e.Pool.Probe.Params {
		q.params = append(q.params, name+"="+value)
	}
	q.params = append(q.params, e.Params...)
	return q
}

// scriptFile is the file that PHP or fcgiwrap would be asked for, if it is clear
// which: a web server says it in SCRIPT_FILENAME, and it is not in our configuration.
func (e *examination) scriptFile() string {
	path, _, _ := strings.Cut(strings.TrimPrefix(e.path(), e.prefix()), "?")
	for _, name := range []string{path, filepath.Join(path, "index.php")} {
		file := filepath.Join(e.Pool.Directory, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

// wantsFile says that the program runs files which each request names.
func (e *examination) wantsFile() bool {
	name := e.program()
	return strings.HasPrefix(name, "php") || name == "fcgiwrap"
}

func (e *examination) askTrial(t *trial, q question) reply {
	ctx, cancel := context.WithTimeout(e.ctx, e.Patience)
	defer cancel()
	conn, err := fastcgi.Dial(ctx, "unix", t.socket.Path())
	if err != nil {
		return reply{err: err}
	}
	r := ask(ctx, q, conn)
	if !r.fine() && !r.timedOut() {
		_ = t.again(ctx) // so that its last words are there
	}
	return r
}

// said is everything that the application has said: its output, its stderr stream,
// and the page, which often quotes the traceback.
func said(t *trial, r reply) (all string, quoted []string) {
	quoted = lastLines(t.words(), quotedLines)
	if lines := lastLines(r.stderr, quotedLines); len(lines) > 0 {
		quoted = append(quoted, lines...)
	}
	return t.words() + "\n" + r.stderr + "\n" + r.body, quoted
}

// blameFault is for an answer that is none: what a web server calls "premature end
// of script headers".
func (e *examination) blameFault(t *trial, r reply) {
	words, quoted := said(t, r)
	if e.prematureFile(r) {
		return
	}
	if len(r.raw) > 0 {
		quoted = append(excerpt(r.raw), quoted...)
	}
	what, remedy := r.err.Error(), fastcgi.Advice(r.err)
	if r.timedOut() {
		what, remedy = fmt.Sprintf("there is no whole answer within %s", worker.Span(e.Patience)), "find out what the program waits for; raise --timeout if it is only slow"
		if doing := t.doing(); doing != "" {
			what += ": " + doing
		}
	}
	if isClosed(t.gone) {
		what = fmt.Sprintf("the worker ends in the middle of a request (%s)", t.exit.Text())
		e.killed = t.exit.Signal == killSignal
	}
	if isClosed(t.gone) && t.exit.OOM {
		e.report.problem(ground, "answer", fmt.Sprintf("%s gets no answer: the kernel ended the worker in the middle of the request because memory ran out", e.path()), moreMemory, append(quoted, r.names)...)
		return
	}
	if strings.Contains(e.program(), "uwsgi") && !strings.Contains(strings.Join(e.Pool.Command, " "), "fastcgi") {
		what, remedy = "uWSGI speaks its own protocol here, not FastCGI: "+what, `add "--protocol", "fastcgi" to command`
	}
	d, known := recognise(words, e.absent)
	if known && !isMalformed(r) {
		what, remedy = what+": "+d.what, e.remedyOf(d)
	}
	e.report.problem(ground, "answer", fmt.Sprintf("%s gets no proper answer: %s", e.path(), what), remedy, append(quoted, r.names)...)
	if !isMalformed(r) && !r.timedOut() && (!known || d.vague()) {
		e.differ()
	}
}

// isMalformed says that there is an answer, and that it breaks the rules: then the
// bytes say more than the program's words.
func isMalformed(r reply) bool {
	var fault *fastcgi.Fault
	return errors.As(r.err, &fault) && len(r.raw) > 0
}

// prematureFile is for programs that need to be told a file, where none was known.
func (e *examination) prematureFile(r reply) bool {
	if !e.wantsFile() || e.ask("").script != "" || len(e.Params)+len(e.Pool.Probe.Params) > 0 {
		return false
	}
	e.report.unknown("answer", fmt.Sprintf("%s runs the file that each request names, and there is none for %s in %s", e.program(), e.path(), e.Pool.Directory),
		"-p SCRIPT_FILENAME=/path/of/the/file")
	return true
}

// blameStatus is for an answer with a status of 500 and above.
func (e *examination) blameStatus(t *trial, r reply) {
	if e.prematureFile(r) {
		return
	}
	words, quoted := said(t, r)
	if len(quoted) == 0 {
		quoted = lastLines(r.body, quotedLines)
	}
	text := fmt.Sprintf("%s is answered with status %d", e.path(), r.status)
	remedy := "see the application's own log; a debug setting would show the reason"
	d, known := recognise(words, e.absent)
	if known {
		text, remedy = text+": "+d.what, e.remedyOf(d)
	}
	e.report.problem(ground, "answer", text, remedy, append(quoted, r.names)...)
	if !known || d.vague() {
		e.differ()
	}
}

// judgeRefusal is for a status of 400 to 499: whether that is wrong depends on
// whether somebody has named the path, and on how the application is mounted.
func (e *examination) judgeRefusal(t *trial, r reply) {
	if e.prematureFile(r) {
		return
	}
	named := e.Path != "" || e.Pool.Probe.Path != ""
	if r.status == http.StatusNotFound && e.otherMount(t, r) {
		return
	}
	text := fmt.Sprintf("%s is answered with status %d", e.path(), r.status)
	if !named {
		e.report.ok("answer", text+": the application works, and has no such page", r.names)
		return
	}
	_, quoted := said(t, r)
	e.report.problem(ground, "answer", text, "is the path right, and SCRIPT_NAME and PATH_INFO as the application expects them?", append([]string{r.names}, quoted...)...)
}

// otherMount asks once more with the prefix cut in another place: an application
// that then has the page is mounted where the web server does not think it is.
func (e *examination) otherMount(t *trial, first reply) bool {
	path := e.path()
	other := ""
	if e.prefix() == "" {
		head, _, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if !more || head == "" {
			return false
		}
		other = "/" + head
	}
	if !t.again(e.ctx) {
		return false
	}
	second := e.askTrial(t, e.ask(other))
	if second.err != nil || second.status >= http.StatusBadRequest {
		return false
	}
	e.report.problem(ground, "answer", fmt.Sprintf("the prefix is cut in the wrong place: %s is not found with %s, but is with %s", path, first.names, second.names),
		fmt.Sprintf("have the web server mount the application at %q: SCRIPT_NAME and PATH_INFO as in the second case", other))
	return true
}

// judgeStop ends the worker as a supervisor would.
func (e *examination) judgeStop(t *trial) {
	name := worker.SignalName(e.Pool.StopSignal)
	timeout := min(e.Pool.StopTimeout, stopPatience)
	exit, took := t.stop(e.Pool.StopSignal, timeout)
	if exit.Signal == killSignal && took >= timeout {
		e.report.problem(trifle, "stop", fmt.Sprintf("the worker does not end within %s of %s: stops and reloads wait for stop_timeout", worker.Span(timeout), name),
			"stop_signal: a signal that the program heeds")
		return
	}
	e.report.ok("stop", fmt.Sprintf("%s ends it within %s", name, worker.Span(took)))
}
