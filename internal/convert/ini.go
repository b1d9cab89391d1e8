package convert

import (
	"fmt"
	"strings"
)

// section is a part of a file that begins with [NAME].
type section struct {
	name    string
	file    string
	line    int
	options []option
}

// option is a line of a section.
type option struct {
	name, value string
	line        int
}

// written is the option as a person would look for it.
func (o option) written() string { return o.name + "=" + o.value }

// dialect is how a program reads its INI files.
type dialect struct {
	continues bool // a line that begins with a blank goes on with the one before
	lowers    bool // names of options are written in any case
	quotes    bool // a value may stand in double quotes
	comments  string
}

// readINI reads sections; options before the first one are in a section without a
// name.
func readINI(file, text string, d dialect) ([]section, error) {
	sections := []section{{file: file, line: 1}}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		trimmed := strings.TrimSpace(line)
		last := &sections[len(sections)-1]
		switch {
		case trimmed == "" || strings.ContainsAny(trimmed[:1], d.comments):
		case d.continues && line != trimmed && len(last.options) > 0:
			o := &last.options[len(last.options)-1]
			o.value = strings.TrimSpace(o.value + "\n" + d.uncomment(trimmed))
		case trimmed[0] == '[':
			name, rest, found := strings.Cut(trimmed[1:], "]")
			if rest = strings.TrimSpace(rest); !found || rest != "" && !strings.ContainsAny(rest[:1], d.comments) {
				return nil, fmt.Errorf("%s:%d: a section's name has no end: %s", file, i+1, oneLine(trimmed))
			}
			sections = append(sections, section{name: strings.TrimSpace(name), file: file, line: i + 1})
		default:
			o, err := d.option(trimmed)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
			}
			o.line = i + 1
			last.options = append(last.options, o)
		}
	}
	return sections, nil
}

func (d dialect) option(line string) (option, error) {
	at := strings.IndexAny(line, "=")
	if d.continues { // Python's takes a colon, too
		at = strings.IndexAny(line, "=:")
	}
	if at <= 0 {
		return option{}, fmt.Errorf("neither a section nor NAME=VALUE: %s", oneLine(line))
	}
	o := option{name: strings.TrimSpace(line[:at]), value: d.uncomment(strings.TrimSpace(line[at+1:]))}
	if d.lowers {
		o.name = strings.ToLower(o.name)
	}
	return o, nil
}

// uncomment takes a comment away from the end of a value, and quotes from its
// sides.
func (d dialect) uncomment(value string) string {
	if d.quotes {
		if strings.HasPrefix(value, `"`) {
			if text, closed := unquoted(value[1:]); closed {
				return text
			}
		}
		value, _, _ = strings.Cut(value, ";")
		return strings.TrimSpace(value)
	}
	for _, blank := range []string{" ;", "\t;"} {
		value, _, _ = strings.Cut(value, blank)
	}
	return strings.TrimSpace(value)
}

// unquoted is the text up to a quote without a backslash before it.
func unquoted(text string) (inside string, closed bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), true
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
		}
		b.WriteByte(text[i])
	}
	return "", false
}
