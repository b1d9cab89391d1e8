package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// habit is what people are used to from elsewhere, and what helps here: a shell that
// reads the command, another front end of the same language. It is asked when a worker
// fails without saying why.
func (e *examination) habit() (what, remedy string) {
	words := e.Pool.Command
	name := e.program()
	switch {
	case strings.HasPrefix(name, "php-fpm"):
		return name + " is a process manager of its own, with a socket of its own", `command = ["/usr/bin/php-cgi"]`
	case strings.HasPrefix(name, "php") && !strings.Contains(name, "cgi"):
		return name + " is PHP for the command line: it runs its file once, and speaks no FastCGI", `command = ["/usr/bin/php-cgi"]`
	case slices.ContainsFunc(words, forShell):
		return "the command has words that only a shell would understand, and no shell reads it", `write the paths themselves, or command = ["/bin/sh", "-c", "exec ..."]`
	}
	if text, err := os.ReadFile(e.scriptOrProgram()); err == nil && len(text) < maxSource && wsgiScript.Match(text) && !servesWSGI.Match(text) {
		return "its file defines a WSGI application and serves nobody", "run it by uWSGI: see docs/how-to/flask.md"
	}
	return "", ""
}

// wsgiScript is Python that defines an application; servesWSGI, that does something
// with it.
var (
	wsgiScript = regexp.MustCompile(`(?m)^(?:def (?:application|app)\(|(?:application|app)\b.* = (?:Flask|get_wsgi_application|falcon|bottle)\b)`)
	servesWSGI = regexp.MustCompile(`WSGIServer|\.run\(|serve_forever|CGIHandler`)
)

// forShell says that a word of a command is a shell's.
func forShell(word string) bool {
	return slices.Contains([]string{">", ">>", "<", "|", "&", "&&", ";", "2>&1"}, word) ||
		strings.HasPrefix(word, "$") || strings.HasPrefix(word, "~/")
}

// blameHabit reports a habit; false if there is none.
func (e *examination) blameHabit(quoted []string) bool {
	what, remedy := e.habit()
	if what != "" {
		e.report.problem(ground, "start", fmt.Sprintf("%s ends before it waits for a connection: %s", e.program(), what), remedy, quoted...)
	}
	return what != ""
}

// maxLogs bounds how many files are looked at for a program's last words.
const maxLogs = 2000

// ownLog is a file below the program's folders that was written since, and its last
// lines: some write their errors there and nowhere else.
func (e *examination) ownLog(since time.Time) (path string, lines []string) {
	seen := 0
	for _, folder := range []string{e.Pool.Directory, filepath.Dir(e.Pool.Command[0])} {
		if filepath.Clean(folder) == "/" || strings.HasPrefix(folder, "/usr/") {
			continue // a system's folders
		}
		_ = filepath.WalkDir(folder, func(file string, entry os.DirEntry, err error) error {
			if seen++; seen > maxLogs || path != "" {
				return filepath.SkipAll
			}
			if err != nil || !entry.Type().IsRegular() {
				return nil
			}
			info, err := entry.Info()
			if err != nil || info.ModTime().Before(since) || info.Size() == 0 || info.Size() > maxSource {
				return nil
			}
			if text, err := os.ReadFile(file); err == nil && !strings.ContainsRune(string(text), 0) {
				path, lines = file, lastLines(string(text), quotedLines)
			}
			return nil
		})
	}
	return path, lines
}

// relativePaths names the variable of the worker in which a language looks for its
// modules, if that holds a relative path.
func (e *examination) relativePaths() string {
	for _, v := range e.spec.Env {
		name, value, _ := strings.Cut(v, "=")
		if !slices.Contains([]string{"PYTHONPATH", "PERL5LIB", "RUBYLIB", "NODE_PATH"}, name) {
			continue
		}
		for _, folder := range filepath.SplitList(value) {
			if folder != "" && !filepath.IsAbs(folder) {
				return fmt.Sprintf("%s=%s is relative, and counts from the working directory %s: write the whole path", name, value, e.Pool.Directory)
			}
		}
	}
	return ""
}
