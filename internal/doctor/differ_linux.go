package doctor

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/worker"
)

// killSignal is what ends a worker that does not heed its stop signal.
const killSignal = unix.SIGKILL

// Bounds of what is tried, and of what is read, to find a difference.
const (
	maxTrials     = 12
	trialPatience = 4 * time.Second
	maxSources    = 300
	maxSource     = 512 << 10
)

// runtimeVariables are read by interpreters and loaders, and not by name in any
// program.
var runtimeVariables = regexp.MustCompile(`^(PATH|LANG|LC_\w+|TZ|LD_LIBRARY_PATH|PYTHON\w+|VIRTUAL_ENV|PERL5LIB|PERL_\w+|RUBYLIB|RUBYOPT|GEM_\w+|BUNDLE_\w+|NODE_\w+|LUA_C?PATH\w*|PHPRC|PHP_\w+|JAVA_HOME|GOMEMLIMIT|GODEBUG)$`)

// difference is one thing that is otherwise where the program works by hand.
type difference struct {
	change func(*worker.Spec)
	text   string
	remedy string
	likely int // those with more come first
}

// differ starts the failing worker again, each time with one thing as it is in the
// shell of whoever asks: what makes it work is the cause, proven. Of the shell's
// variables only those are tried that the program's own files name: the others are
// none of the worker's business.
func (e *examination) differ() {
	for _, d := range e.folders(e.spec) {
		if e.proves(d) {
			return
		}
	}
	variables := e.variables(e.spec)
	all := func(s *worker.Spec) {
		for _, d := range variables {
			d.change(s)
		}
	}
	if len(variables) == 0 || !e.works(all) {
		return
	}
	for _, d := range variables[:min(len(variables), maxTrials)] {
		if e.proves(d) {
			return
		}
	}
	e.report.problem(proof, "difference", e.program()+" works with the environment of your shell, and not with the workers'", "give what it needs in environment, or environment_file")
}

// proves reports a difference that makes the program work.
func (e *examination) proves(d difference) bool {
	if e.ctx.Err() != nil || !e.works(d.change) {
		return false
	}
	e.report.problem(proof, "difference", fmt.Sprintf("%s works %s", e.program(), d.text), d.remedy)
	return true
}

// works says whether a worker with that change becomes ready and answers.
func (e *examination) works(change func(*worker.Spec)) bool {
	spec := e.spec
	spec.Env = slices.Clone(spec.Env)
	change(&spec)
	t, err := begin(spec)
	if err != nil {
		return false
	}
	defer t.end()
	if t.wait(e.ctx, min(e.Patience, trialPatience)) != ready {
		return false
	}
	return e.askTrial(t, e.ask(e.prefix())).fine()
}

// folders are other working directories in which relative paths may lead
// somewhere: where the shell is, the program's own, the one above.
func (e *examination) folders(spec worker.Spec) []difference {
	program := filepath.Dir(e.scriptOrProgram())
	var list []difference
	seen := []string{filepath.Clean(spec.Dir)}
	for _, folder := range []string{e.Shell.Directory, program, filepath.Dir(program)} {
		if folder == "" || folder == "/" || slices.Contains(seen, filepath.Clean(folder)) {
			continue
		}
		seen = append(seen, filepath.Clean(folder))
		list = append(list, difference{
			change: func(s *worker.Spec) { s.Dir = folder },
			text:   fmt.Sprintf("with %s as its working directory, and not with %s: it opens files by relative paths", folder, spec.Dir),
			remedy: fmt.Sprintf("directory = %q, or absolute paths in the program", folder),
		})
	}
	return list
}

// scriptOrProgram is the file that the pool is about: the first argument that is a
// file, where an interpreter is called by name.
func (e *examination) scriptOrProgram() string {
	for _, argument := range e.Pool.Command[1:] {
		if info, err := os.Stat(argument); err == nil && info.Mode().IsRegular() && filepath.IsAbs(argument) {
			return argument
		}
	}
	return e.Pool.Command[0]
}

// variables are those of the shell that the worker has not, or has otherwise.
func (e *examination) variables(spec worker.Spec) []difference {
	read := e.namesRead(spec.Dir)
	var list []difference
	for _, v := range e.Shell.Environment {
		name, value, _ := strings.Cut(v, "=")
		if slices.Contains(spec.Env, v) || !read[name] && !runtimeVariables.MatchString(name) || strings.Contains(value, "\n") {
			continue
		}
		d := difference{
			change: func(s *worker.Spec) {
				s.Env = append(slices.DeleteFunc(s.Env, func(o string) bool { return strings.HasPrefix(o, name+"=") }), name+"="+value)
			},
			text:   fmt.Sprintf("with %s as it is in your shell, and not without: workers get a short, listed environment", name),
			remedy: fmt.Sprintf("environment = { %s = \"...\" }, or environment_file", name),
		}
		if read[name] {
			d.likely = 1
		}
		if name == "PATH" {
			d.text = "with the PATH of your shell, and not with the workers': another interpreter or program is found there" + e.interpreters(spec, value)
			d.remedy = "write whole paths, in the #! line too, or environment = { PATH = \"...\" }"
		}
		list = append(list, d)
	}
	// A program's own names come first: they are the likelier ones.
	slices.SortStableFunc(list, func(a, b difference) int { return b.likely - a.likely })
	return list
}

// interpreters tells which program a #!/usr/bin/env line finds in both PATHs.
func (e *examination) interpreters(spec worker.Spec, shellPath string) string {
	here, there := e.interpreter(pathOf(spec.Env)), e.interpreter(shellPath)
	if here == there {
		return ""
	}
	return fmt.Sprintf(" (%s, and %s for the workers)", there, here)
}

// capitals are what may be the name of an environment variable.
var capitals = regexp.MustCompile(`\b[A-Z][A-Z0-9_]{2,}\b`)

// namesRead are the names in capitals in the program's own files: its script, and
// the sources in its folder.
func (e *examination) namesRead(directory string) map[string]bool {
	names := map[string]bool{}
	files := 0
	read := func(path string) {
		file, err := os.Open(path)
		if err != nil {
			return
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, maxSource)
		for lines.Scan() {
			for _, name := range capitals.FindAllString(lines.Text(), -1) {
				names[name] = true
			}
		}
	}
	read(e.scriptOrProgram())
	for _, root := range []string{directory, filepath.Dir(e.scriptOrProgram())} {
		if len(strings.Split(filepath.Clean(root), "/")) < 3 {
			continue // /usr, /tmp, /srv: not an application's own
		}
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if files++; files > maxSources {
				return fs.SkipAll
			}
			if err == nil && entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() < maxSource {
				read(path)
			}
			return nil
		})
	}
	return names
}
