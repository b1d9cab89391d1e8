package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"fcgi-supervisor/internal/config"
)

// absent says whether workers lack an environment variable.
func (e *examination) absent(name string) bool {
	return !slices.ContainsFunc(e.spec.Env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
}

// pythonModule is the first part of a dotted name.
var pythonModule = regexp.MustCompile(`^\w+`)

// remedyOf is what to do about a diagnosis, with what this machine tells besides.
func (e *examination) remedyOf(d diagnosis) string {
	switch d.kind {
	case environmentKind:
		remedy := fmt.Sprintf("environment = { %s = \"...\" }, or environment_file", d.name)
		if slices.ContainsFunc(e.Shell.Environment, func(v string) bool { return strings.HasPrefix(v, d.name+"=") }) {
			remedy += "; it is set in your shell, which workers do not inherit"
		}
		return remedy
	case moduleKind:
		return e.findModule(d)
	case fileKind:
		return e.findFile(d)
	}
	return d.remedy
}

// findModule looks whether a module that was not found is in a virtual environment
// at hand, or in a folder that only is not searched.
func (e *examination) findModule(d diagnosis) string {
	if relative := e.relativePaths(); relative != "" {
		return relative
	}
	const debian = "/usr/share/nodejs"
	if _, err := os.Stat(filepath.Join(debian, d.name)); err == nil && strings.HasPrefix(d.what, "Node ") {
		return fmt.Sprintf("it is in %s: environment = { NODE_PATH = %q }", debian, debian)
	}
	if d.remedy != "" {
		return d.remedy
	}
	name := pythonModule.FindString(d.name)
	here := e.interpreter(pathOf(e.spec.Env))
	for _, root := range []string{e.Pool.Directory, filepath.Dir(e.scriptOrProgram()), filepath.Dir(filepath.Dir(e.scriptOrProgram()))} {
		configs, _ := filepath.Glob(root + "/*/pyvenv.cfg")
		hidden, _ := filepath.Glob(root + "/.*/pyvenv.cfg")
		for _, path := range append(configs, hidden...) {
			environment := filepath.Dir(path)
			if len(inPackages(environment, name)) > 0 {
				return fmt.Sprintf("the interpreter is not the intended one: %s does not see the virtual environment that has it; write #!%s/bin/python", here, environment)
			}
		}
		for _, candidate := range []string{name + ".py", name + "/__init__.py"} {
			if _, err := os.Stat(filepath.Join(root, candidate)); err == nil {
				return fmt.Sprintf("it is in %s: environment = { PYTHONPATH = %q }, readable by the worker's user", root, root)
			}
		}
	}
	return fmt.Sprintf("install it for the interpreter that reads the program (%s), or name the right one in the #! line", here)
}

func inPackages(environment, module string) []string {
	folder := filepath.Join(environment, "lib", "python*", "site-packages")
	package_, _ := filepath.Glob(filepath.Join(folder, module))
	file, _ := filepath.Glob(filepath.Join(folder, module+".py"))
	return append(package_, file...)
}

// interpreter is what reads the pool's program, with that PATH.
func (e *examination) interpreter(path string) string {
	uid, gid, groups := credentials(e.spec)
	if by := config.Interpreter(e.Pool.Command[0], uid, gid, groups, path); by != "" {
		return by
	}
	return e.Pool.Command[0]
}

// findFile says where a file is that was not found by a relative path, or who
// stands in the way.
func (e *examination) findFile(d diagnosis) string {
	if d.remedy != "" {
		return d.remedy
	}
	if filepath.IsAbs(d.name) {
		return "is the path right? see namei -l " + d.name
	}
	general := fmt.Sprintf("the path is relative, and counts from the working directory %s: write an absolute one, or set directory", e.Pool.Directory)
	for _, folder := range []string{e.Shell.Directory, filepath.Dir(e.scriptOrProgram()), filepath.Dir(filepath.Dir(e.scriptOrProgram()))} {
		if _, err := os.Stat(filepath.Join(folder, d.name)); err == nil && folder != "" {
			return fmt.Sprintf("%s (it is in %s: directory = %q)", general, folder, folder)
		}
	}
	return general
}
