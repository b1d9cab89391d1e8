package convert

import (
	"fmt"
	"strconv"
	"strings"
)

// lighttpdValue is a string, a number or an array in lighttpd's configuration.
type lighttpdValue struct {
	text    string         // of a string or a number
	items   []lighttpdItem // of an array
	array   bool           //
	unknown string         // what in it is known only to lighttpd; empty: nothing
}

type lighttpdItem struct {
	key   string // empty: there is none
	value lighttpdValue
}

// at is the value under a key.
func (v lighttpdValue) at(key string) (lighttpdValue, bool) {
	for _, item := range v.items {
		if item.key == key {
			return item.value, true
		}
	}
	return lighttpdValue{}, false
}

// lighttpdAssignment is "KEY = VALUE", wherever it stands.
type lighttpdAssignment struct {
	file  string
	line  int
	key   string
	value lighttpdValue
}

// lighttpdParser reads a configuration as far as it takes to find assignments:
// conditions are passed over, both sides of them are read.
type lighttpdParser struct {
	source    *source
	file      string
	text      string
	pos, line int
	variables map[string]lighttpdValue
	found     *[]lighttpdAssignment
}

func readLighttpd(s *source, path string, variables map[string]lighttpdValue, found *[]lighttpdAssignment) error {
	text, done, err := s.file(path)
	if err != nil {
		return err
	}
	defer done()
	p := &lighttpdParser{source: s, file: path, text: text, line: 1, variables: variables, found: found}
	return p.statements()
}

func (p *lighttpdParser) fail(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", p.file, p.line, fmt.Sprintf(format, args...))
}

// skip passes over blanks, ends of lines and comments.
func (p *lighttpdParser) skip() {
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '\n':
			p.line++
		case c == '#':
			for p.pos < len(p.text) && p.text[p.pos] != '\n' {
				p.pos++
			}
			p.pos--
		case c != ' ' && c != '\t' && c != '\r':
			return
		}
	}
}

// take consumes the text if it comes next.
func (p *lighttpdParser) take(text string) bool {
	p.skip()
	if !strings.HasPrefix(p.text[p.pos:], text) {
		return false
	}
	p.pos += len(text)
	return true
}

func inWord(c byte) bool {
	return c == '.' || c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *lighttpdParser) word() string {
	p.skip()
	begin := p.pos
	for p.pos < len(p.text) && inWord(p.text[p.pos]) {
		p.pos++
	}
	return p.text[begin:p.pos]
}

func (p *lighttpdParser) statements() error {
	for {
		p.skip()
		if p.pos >= len(p.text) {
			return nil
		}
		if err := p.statement(); err != nil {
			return err
		}
	}
}

func (p *lighttpdParser) statement() error {
	switch c := p.text[p.pos]; {
	case c == '{' || c == '}' || c == ',' || c == ';':
		p.pos++
		return nil
	case c == '$':
		return p.condition()
	}
	switch word := p.word(); word {
	case "":
		return p.fail("not understood: %s", oneLine(p.text[p.pos:min(p.pos+20, len(p.text))]))
	case "else", "elif", "if", "elseif":
		return nil
	case "include":
		return p.include()
	case "include_shell":
		_, err := p.value(0) // not run: it is a program of theirs
		return err
	default:
		return p.assignment(word)
	}
}

// condition passes over $HTTP["host"] == "x"; the block behind it is read as if it
// were not in one.
func (p *lighttpdParser) condition() error {
	p.pos++
	p.word()
	if p.take("[") {
		if _, err := p.value(0); err != nil {
			return err
		}
		if !p.take("]") {
			return p.fail("a condition has no ]")
		}
	}
	for _, operator := range []string{"==", "!=", "=~", "!~", "=^", "=$"} {
		if p.take(operator) {
			_, err := p.value(0)
			return err
		}
	}
	return p.fail("a condition has no comparison")
}

func (p *lighttpdParser) assignment(key string) error {
	line := p.line
	merge := p.take("+=")
	if !merge && !p.take(":=") && !p.take("=>") && !p.take("=") {
		return p.fail("%s has no =", key)
	}
	value, err := p.value(0)
	if err != nil {
		return err
	}
	*p.found = append(*p.found, lighttpdAssignment{p.file, line, key, value})
	name := strings.TrimPrefix(key, "var.")
	if merge {
		value = plus(p.variables[name], value)
	}
	p.variables[name] = value
	return nil
}

func (p *lighttpdParser) include() error {
	value, err := p.value(0)
	if err != nil {
		return err
	}
	if value.unknown != "" {
		return nil
	}
	files, err := expand(value.text, p.file)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := readLighttpd(p.source, file, p.variables, p.found); err != nil {
			return err
		}
	}
	return nil
}

// deepest is how far arrays may lie in each other.
const deepest = 50

// value reads terms with + between them.
func (p *lighttpdParser) value(depth int) (lighttpdValue, error) {
	value, err := p.term(depth)
	for err == nil {
		p.skip()
		if !strings.HasPrefix(p.text[p.pos:], "+") || strings.HasPrefix(p.text[p.pos:], "+=") {
			break
		}
		p.pos++
		var next lighttpdValue
		next, err = p.term(depth)
		value = plus(value, next)
	}
	return value, err
}

func plus(a, b lighttpdValue) lighttpdValue {
	if a.unknown == "" {
		a.unknown = b.unknown
	}
	if a.array || b.array {
		return lighttpdValue{array: true, items: append(a.items[:len(a.items):len(a.items)], b.items...), unknown: a.unknown}
	}
	return lighttpdValue{text: a.text + b.text, unknown: a.unknown}
}

func (p *lighttpdParser) term(depth int) (lighttpdValue, error) {
	p.skip()
	switch {
	case depth > deepest:
		return lighttpdValue{}, p.fail("arrays lie deeper than %d in each other", deepest)
	case p.pos >= len(p.text):
		return lighttpdValue{}, p.fail("the file ends where a value should be")
	case p.text[p.pos] == '"' || p.text[p.pos] == '\'':
		return p.quoted()
	case p.take("("):
		return p.list(depth)
	}
	word := p.word()
	switch name, isEnv := strings.CutPrefix(word, "env."); {
	case word == "":
		return lighttpdValue{}, p.fail("no value: %s", oneLine(p.text[p.pos:min(p.pos+20, len(p.text))]))
	case isEnv:
		return lighttpdValue{unknown: "the variable " + name + " of lighttpd's environment"}, nil
	case word[0] >= '0' && word[0] <= '9':
		return lighttpdValue{text: word}, nil
	}
	if value, known := p.variables[strings.TrimPrefix(word, "var.")]; known {
		return value, nil
	}
	return lighttpdValue{unknown: word + ", which is not set here"}, nil
}

// quoted is a string, in which only a quote is escaped.
func (p *lighttpdParser) quoted() (lighttpdValue, error) {
	quote := p.text[p.pos]
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == quote:
			p.line += strings.Count(p.text[p.pos:i], "\n")
			p.pos = i + 1
			return lighttpdValue{text: b.String()}, nil
		case c == '\\' && i+1 < len(p.text) && p.text[i+1] == quote:
			i++
			b.WriteByte(quote)
		default:
			b.WriteByte(c)
		}
	}
	return lighttpdValue{}, p.fail("a string has no end")
}

func (p *lighttpdParser) list(depth int) (lighttpdValue, error) {
	list := lighttpdValue{array: true}
	for {
		if p.take(")") {
			return list, nil
		}
		if p.take(",") {
			continue
		}
		value, err := p.value(depth + 1)
		if err != nil {
			return list, err
		}
		item := lighttpdItem{value: value}
		if p.take("=>") {
			item.key = value.text
			if item.value, err = p.value(depth + 1); err != nil {
				return list, err
			}
		}
		list.items = append(list.items, item)
	}
}

func number(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil
}
