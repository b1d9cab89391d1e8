package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Place is where something is written: in a file, or on the command line.
type Place struct {
	File   string
	Line   int    // from 1
	Column int    // from 1, in bytes
	Flag   string // "--listen"; the other fields are empty then
}

// String is FILE:LINE:COL, or the flag.
func (p Place) String() string {
	if p.Flag != "" {
		return p.Flag
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// line is FILE:LINE, or the flag: enough to find something one reads about.
func (p Place) line() string {
	if p.Flag != "" {
		return p.Flag
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Mistake is one thing that is wrong, and where.
type Mistake struct {
	Place
	Text string
}

// Error is FILE:LINE:COL: TEXT, or FLAG: TEXT.
func (m Mistake) Error() string { return m.Place.String() + ": " + m.Text }

// Errors is everything that is wrong, sorted by place.
type Errors []Mistake

// Error has one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, m := range e {
		lines[i] = m.Error()
	}
	return strings.Join(lines, "\n")
}

// add notes a mistake.
func (e *Errors) add(at Place, format string, args ...any) {
	*e = append(*e, Mistake{Place: at, Text: fmt.Sprintf(format, args...)})
}

// result sorts the mistakes; nil if there are none, so that callers may compare
// the error with nil.
func (e Errors) result() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Flag, b.Flag))
	})
	return e
}
