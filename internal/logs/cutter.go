package logs

import "bytes"

// restKept is the capacity of the buffer for unfinished lines that a Cutter
// holds on to between lines: 512 workers that once wrote a long line each must
// not keep 32 MiB.
const restKept = 4 << 10

// Cutter turns a stream of chunks, as read from a pipe, into blocks of whole
// lines. It looks at few bytes of a chunk: the last newline is found from the
// end, and everything before it is handed on without a copy. It is used by one
// goroutine.
type Cutter struct {
	emit func(lines []byte, partial bool)
	rest []byte // an unfinished line; begins with MarkContinued if it is a further piece
	room int    // bytes that rest may still take before the line is split
}

// NewCutter makes a Cutter that hands its blocks to emit: all whole lines of a
// chunk at once, valid until emit returns. partial says that the block is one
// piece, not the last, of a line longer than MaxLine.
func NewCutter(emit func(lines []byte, partial bool)) *Cutter {
	return &Cutter{emit: emit, room: MaxLine}
}

// Write takes the next chunk. It never fails.
func (c *Cutter) Write(chunk []byte) (int, error) {
	taken := len(chunk)
	for len(chunk) > 0 {
		whole := 0
		if len(c.rest) == 0 {
			whole = wholeEnd(chunk)
		}
		if whole == 0 {
			chunk = c.join(chunk)
			continue
		}
		c.emit(chunk[:whole], false)
		chunk = chunk[whole:]
	}
	return taken, nil
}

// wholeEnd is where the whole lines at the beginning of chunk end, none of which is
// longer than MaxLine: it goes from the last newline within reach to the next.
func wholeEnd(chunk []byte) int {
	end := 0
	for end < len(chunk) {
		window := chunk[end:min(len(chunk), end+MaxLine+1)]
		last := bytes.LastIndexByte(window, '\n')
		if last < 0 {
			break
		}
		end += last + 1
	}
	return end
}

// join moves the beginning of chunk to the unfinished line, up to the end of the
// line or of the piece, and returns what is left of chunk.
func (c *Cutter) join(chunk []byte) []byte {
	end := bytes.IndexByte(chunk[:min(len(chunk), c.room+1)], '\n')
	if end >= 0 {
		c.rest = append(c.rest, chunk[:end+1]...)
		c.finish()
		return chunk[end+1:]
	}
	if len(chunk) <= c.room {
		c.rest = append(c.rest, chunk...)
		c.room -= len(chunk)
		return nil
	}
	left := chunk[c.room:]
	c.rest = append(c.rest, chunk[:c.room]...)
	c.rest = append(c.rest, MarkContinues+"\n"...)
	c.emit(c.rest, true)
	c.rest = append(c.rest[:0], MarkContinued...)
	c.room = MaxLine
	return left
}

// Flush hands on the unfinished last line, if there is one, with the newline
// that it lacks. It is called when the stream has ended.
func (c *Cutter) Flush() {
	if len(c.rest) == 0 {
		return
	}
	c.rest = append(c.rest, '\n')
	c.finish()
}

func (c *Cutter) finish() {
	c.emit(c.rest, false)
	c.room = MaxLine
	if cap(c.rest) > restKept {
		c.rest = nil
		return
	}
	c.rest = c.rest[:0]
}
