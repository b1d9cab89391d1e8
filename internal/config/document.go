package config

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// document is one TOML file on its way to a tree of nodes.
type document struct {
	file     string
	data     []byte
	lines    []int // offset of the start of each line
	root     *node
	table    *node // the table that keys are added to now
	damaged  bool  // parts were skipped: what seems missing may stand there
	mistakes Errors
}

// readDocument parses all of data, going on after a mistake where that can be
// done without guessing.
func readDocument(file string, data []byte) *document {
	d := &document{file: file, data: slices.Clip(data), root: &node{shape: shapeTable}}
	d.table = d.root
	d.lines = append(d.lines, 0)
	for i, c := range data {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		d.damaged = true
		d.mistakes.add(d.place(0), "the file begins with a byte order mark; save it as UTF-8 without one")
		d.expressions(len("\xef\xbb\xbf"))
		return d
	}
	d.expressions(0)
	return d
}

// checkTables asks the decoder about a file without other mistakes, because the
// parser knows the grammar only and not which tables may not be extended later.
func (d *document) checkTables() Errors {
	var mistakes Errors
	var all map[string]any
	err := toml.Unmarshal(d.data, &all)
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		line, column := wrong.Position()
		mistakes.add(Place{File: d.file, Line: line, Column: column}, "%s", strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return mistakes
}

// place turns an offset into a line and a column.
func (d *document) place(offset int) Place {
	line := sort.SearchInts(d.lines, offset+1)
	return Place{File: d.file, Line: line, Column: offset - d.lines[line-1] + 1}
}

// nextLine is the offset of the line after the one that holds offset.
func (d *document) nextLine(offset int) int {
	if line := sort.SearchInts(d.lines, offset+1); line < len(d.lines) {
		return d.lines[line]
	}
	return len(d.data)
}

// expressions reads from offset on to the end, resuming after each mistake.
func (d *document) expressions(offset int) {
	for offset < len(d.data) {
		parser := &unstable.Parser{}
		parser.Reset(d.data[offset:])
		cursor := cursor{document: d, parser: parser, base: offset}
		end := offset
		for parser.NextExpression() {
			end = d.nextLine(cursor.expression(parser.Expression()))
		}
		err := parser.Error()
		if err == nil {
			return
		}
		d.damaged = true
		at := end
		var wrong *unstable.ParserError
		if errors.As(err, &wrong) {
			at = offset + int(parser.Range(wrong.Highlight).Offset)
		}
		d.mistakes.add(d.place(at), "%s", err)
		offset = d.resume(end, at)
	}
}

// beginning is a line that starts an expression, as people write them.
var beginning = regexp.MustCompile(`^[ \t]*(\[\[?[ \t]*[\w"'.\- ]+\]|["'\w.\-]+[ \t]*=)`)

// resume finds where to read on after a mistake at offset at, in the expression
// that begins at or after offset end. It always moves forward.
func (d *document) resume(end, at int) int {
	for end < len(d.data) {
		line := bytes.TrimLeft(d.data[end:d.nextLine(end)], " \t\r\n")
		if len(line) > 0 && line[0] == '[' {
			// Keys after a broken header belong to a table we do not know.
			d.table = &node{shape: shapeTable}
		}
		if len(line) > 0 && line[0] != '#' {
			break
		}
		end = d.nextLine(end)
	}
	for next := d.nextLine(end); next < len(d.data); next = d.nextLine(next) {
		if d.nextLine(next) > at && beginning.Match(d.data[next:d.nextLine(next)]) {
			return next
		}
	}
	return len(d.data)
}
