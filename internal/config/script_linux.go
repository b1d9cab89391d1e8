package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// script checks the interpreter that a #! line names.
func (a account) script(path string, head []byte, workerPath string, depth int) *fault {
	line, whole := firstLine(head)
	interpreter, argument := line, ""
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		interpreter, argument = line[:i], strings.Trim(line[i:], " \t")
	}
	in := fmt.Sprintf("the #! line of %s: ", path)
	switch {
	case strings.HasSuffix(line, "\r"):
		return &fault{text: fmt.Sprintf("the first line of %s ends in a carriage return (CRLF)", path), remedy: `sed -i 's/\r$//' ` + path}
	case interpreter == "":
		return &fault{text: in + "names no interpreter"}
	case !whole && argument == "":
		return &fault{text: in + fmt.Sprintf("is longer than %d bytes", maxHead)}
	case !filepath.IsAbs(interpreter):
		return &fault{text: in + fmt.Sprintf("the interpreter %q is not an absolute path", interpreter)}
	}
	f := a.program(interpreter, workerPath, depth+1)
	if f == nil && filepath.Base(interpreter) == "env" {
		f = a.throughEnv(argument, workerPath, depth)
	}
	if f != nil {
		return &fault{text: in + f.text, remedy: f.remedy}
	}
	return nil
}

// throughEnv checks what env(1) would start. The kernel passes everything after
// the interpreter as one argument; only env -S splits it.
func (a account) throughEnv(argument, workerPath string, depth int) *fault {
	name := argument
	if split, ok := cutSplit(argument); ok {
		name = firstProgram(split)
	} else if strings.ContainsAny(name, " \t") && !strings.HasPrefix(name, "-") {
		return &fault{text: fmt.Sprintf("env is asked for a program called %q; write env -S %s", name, name)}
	}
	switch {
	case strings.HasPrefix(name, "-"):
		return nil // an option that we do not judge
	case name == "":
		return &fault{text: "env is asked for no program"}
	case strings.Contains(name, "/"):
		return a.program(name, workerPath, depth+1)
	}
	found, ok := a.search(name, workerPath)
	if !ok {
		return &fault{text: fmt.Sprintf("%s is not in the worker's PATH (%s)", name, workerPath)}
	}
	return a.program(found, workerPath, depth+1)
}

// cutSplit takes off the option that makes env split its argument.
func cutSplit(argument string) (string, bool) {
	for _, option := range []string{"-S", "--split-string="} {
		if rest, ok := strings.CutPrefix(argument, option); ok {
			return strings.TrimLeft(rest, " \t"), true
		}
	}
	return argument, false
}

// firstProgram skips the NAME=VALUE words before the program. Quotes inside are
// beyond what is judged here.
func firstProgram(text string) string {
	for _, word := range strings.Fields(text) {
		if !strings.Contains(word, "=") {
			return word
		}
	}
	return ""
}
