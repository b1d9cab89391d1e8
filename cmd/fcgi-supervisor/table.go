package main

import (
	"strings"
	"unicode"
)

// column is a column of a table.
type column struct {
	title string
	right bool // numbers stand to the right
}

// table puts cells below each other. Its lines are made all at once, so that a
// caller can print something between them.
type table struct {
	columns []column
	rows    [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// lines are the titles and the rows, without newlines.
func (t *table) lines() []string {
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	all := append([][]string{titles}, t.rows...)
	widths := make([]int, len(t.columns))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], displayWidth(cell))
		}
	}
	lines := make([]string, len(all))
	for i, row := range all {
		lines[i] = t.line(row, widths)
	}
	return lines
}

func (t *table) line(row []string, widths []int) string {
	var line strings.Builder
	for i, cell := range row {
		if i > 0 {
			line.WriteString("  ")
		}
		space := strings.Repeat(" ", widths[i]-displayWidth(cell))
		if t.columns[i].right {
			line.WriteString(space + cell)
			continue
		}
		line.WriteString(cell + space)
	}
	return strings.TrimRight(line.String(), " ")
}

// wide are the scripts whose letters take two columns of a terminal (Unicode
// Standard Annex 11); the rest of that annex is rare enough in what we print.
var wide = []*unicode.RangeTable{unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana}

// displayWidth is the number of columns that text takes on a terminal.
func displayWidth(text string) int {
	width := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, wide...), r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
			width += 2
		default:
			width++
		}
	}
	return width
}
