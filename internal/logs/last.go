package logs

import "bytes"

// What a Last keeps: enough for a traceback, little enough for 512 workers.
const (
	LastLines = 20
	LastBytes = 4 << 10
)

// Last is the last LastLines lines, and at most LastBytes bytes, that one worker
// wrote. The zero value is ready; it is used by one goroutine.
type Last struct {
	bytes []byte
	torn  bool // bytes begins in the middle of a line
}

// Add takes whole lines and copies what it keeps.
func (l *Last) Add(lines []byte) {
	if excess := len(lines) - LastBytes; excess > 0 {
		l.torn = lines[excess-1] != '\n'
		l.bytes = append(l.bytes[:0], lines[excess:]...)
		return
	}
	if excess := len(l.bytes) + len(lines) - LastBytes; excess > 0 {
		l.torn = l.bytes[excess-1] != '\n'
		l.bytes = append(l.bytes[:0], l.bytes[excess:]...)
	}
	l.bytes = append(l.bytes, lines...)
}

// Lines returns the lines, oldest first, without newlines. A line that alone is
// longer than LastBytes is there with its end.
func (l *Last) Lines() []string {
	kept := l.bytes
	if start := len(firstLine(kept)); l.torn && start < len(kept) {
		kept = kept[start:]
	}
	var lines []string
	for line := range bytes.Lines(kept) {
		lines = append(lines, string(bytes.TrimSuffix(line, newline)))
	}
	return lines[max(0, len(lines)-LastLines):]
}
