package convert

import (
	"fmt"
	"path/filepath"
	"strings"
)

// directive is a line of Apache's configuration: sections are passed over, what
// is in them is read.
type directive struct {
	file string
	line int
	name string // in small letters
	raw  string // as it is written
	args []string
}

func (d directive) written() string { return d.raw + " " + strings.Join(d.args, " ") }

// apacheReader reads directives, with what is included.
type apacheReader struct {
	source    *source
	root      string // ServerRoot
	variables map[string]string
	found     []directive
}

func (r *apacheReader) read(path string) error {
	text, done, err := r.source.file(path)
	if err != nil {
		return err
	}
	defer done()
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		begin := i
		line := strings.TrimRight(lines[i], "\r")
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + " " + strings.TrimRight(lines[i], "\r")
		}
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' || line[0] == '<' {
			continue
		}
		args, err := apacheWords(r.fill(line))
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, begin+1, err)
		}
		d := directive{path, begin + 1, strings.ToLower(args[0]), args[0], args[1:]}
		if err := r.directive(d); err != nil {
			return err
		}
	}
	return nil
}

func (r *apacheReader) directive(d directive) error {
	switch {
	case d.name == "serverroot" && len(d.args) == 1:
		r.root = d.args[0]
	case d.name == "define" && len(d.args) == 2:
		r.variables[d.args[0]] = d.args[1]
	case (d.name == "include" || d.name == "includeoptional") && len(d.args) == 1:
		return r.include(d)
	}
	r.found = append(r.found, d)
	return nil
}

func (r *apacheReader) include(d directive) error {
	pattern := d.args[0]
	if !filepath.IsAbs(pattern) && r.root != "" {
		pattern = filepath.Join(r.root, pattern)
	}
	files, err := expand(pattern, d.file)
	if err != nil {
		return err
	}
	for _, file := range files {
		err := r.read(file)
		if err != nil && strings.HasSuffix(err.Error(), "it is empty") {
			continue // as Debian's are
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *apacheReader) fill(line string) string {
	for name, value := range r.variables {
		line = strings.ReplaceAll(line, "${"+name+"}", value)
	}
	return line
}

// absolute is a path as Apache takes it: below ServerRoot.
func (r *apacheReader) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	root := r.root
	if root == "" {
		root = "/etc/apache2"
	}
	return filepath.Join(root, path)
}

// apacheWords splits a line as ap_getword_conf does: quotes of both kinds, with a
// backslash before a quote or a backslash.
func apacheWords(line string) ([]string, error) {
	var list []string
	for line != "" {
		quote := line[0]
		if quote != '"' && quote != '\'' {
			end := strings.IndexAny(line, " \t")
			if end < 0 {
				end = len(line)
			}
			list = append(list, line[:end])
			line = strings.TrimLeft(line[end:], " \t")
			continue
		}
		var word strings.Builder
		i := 1
		for ; i < len(line) && line[i] != quote; i++ {
			if line[i] == '\\' && i+1 < len(line) && (line[i+1] == quote || line[i+1] == '\\') {
				i++
			}
			word.WriteByte(line[i])
		}
		if i >= len(line) {
			return nil, errQuote
		}
		list = append(list, word.String())
		line = strings.TrimLeft(line[i+1:], " \t")
	}
	return list, nil
}
