package logs

import (
	"bytes"
	"time"
)

// MaxLine is the number of bytes, without the newline, from which on a Cutter
// splits a line. It is what a pipe holds by default (pipe(7)).
const MaxLine = 64 << 10

// Marks of a line that was too long. All pieces but the last end with
// MarkContinues, all but the first begin with MarkContinued.
const (
	MarkContinues = " [line continues]"
	MarkContinued = "[continued] "
)

// Block is some whole lines that one worker wrote, each with its newline.
type Block struct {
	At      time.Time // when they were read
	Pool    string
	Slot    int
	PID     int
	Bytes   []byte // lent for the length of the call it is passed to
	Partial bool   // Bytes is one piece, not the last, of a line longer than MaxLine
}

// Line is one line of a pool's output.
type Line struct {
	Seq     uint64 // counts up from 1 in its Ring, without gaps
	At      time.Time
	Pool    string
	Slot    int
	PID     int
	Text    []byte // as the worker wrote it, without the newline
	Partial bool   // a piece of a line that was longer than MaxLine; more follows
}

func countLines(lines []byte) uint64 {
	return uint64(bytes.Count(lines, newline))
}

var newline = []byte{'\n'}

// wholeLines is the longest beginning of lines that ends with a newline and has
// at most limit bytes; empty if there is none.
func wholeLines(lines []byte, limit int) []byte {
	if len(lines) <= limit {
		return lines
	}
	return lines[:bytes.LastIndexByte(lines[:max(limit, 0)], '\n')+1]
}

// firstLine is the first of lines, with its newline.
func firstLine(lines []byte) []byte {
	if end := bytes.IndexByte(lines, '\n'); end >= 0 {
		return lines[:end+1]
	}
	return lines
}
