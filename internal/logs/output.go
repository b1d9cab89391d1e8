package logs

import (
	"bytes"
	"log/slog"
	"strconv"
	"time"
)

// outputPiece is how much of a block's lines is put together before it is
// written on: 64 KiB of empty lines would be megabytes with their prefixes.
const outputPiece = 128 << 10

// Output writes lines of a worker among the records, each with who wrote it. The
// levels have no say: what a worker writes is never left out. What goes before
// and after each line is made once for the whole block.
//
// On a terminal, control characters are escaped; JSON escapes what it must;
// elsewhere the bytes are the worker's own.
func (h *Handler) Output(b Block) {
	before, escape, after := h.outputLook(b)
	s := scratches.Get().(*scratch)
	defer s.release()
	for lines := b.Bytes; len(lines) > 0; {
		line := firstLine(lines)
		lines = lines[len(line):]
		s.bytes = append(s.bytes, before...)
		s.bytes = escape(s.bytes, bytes.TrimSuffix(line, newline))
		s.bytes = append(s.bytes, after...)
		if len(s.bytes) >= outputPiece {
			h.output(s.bytes)
			s.bytes = s.bytes[:0]
		}
	}
	if len(s.bytes) > 0 {
		h.output(s.bytes)
	}
}

// outputLook is what stands before and after each of the block's lines, and how
// the line between them is written.
func (h *Handler) outputLook(b Block) (before []byte, escape func(to, line []byte) []byte, after []byte) {
	who := b.Pool + "/" + strconv.Itoa(b.Slot) + "[" + strconv.Itoa(b.PID) + "]"
	switch h.look.format {
	case JSON:
		return jsonBefore(b), appendJSON, jsonAfter(b)
	case Journal:
		before = append(before, journalLevel(slog.LevelInfo)...)
		before = AppendEscaped(before, []byte(who))
		return append(before, ' '), appendWithoutNUL, newline
	}
	before = h.appendTextHead(before, b.At, "OUT", grey, who)
	before = append(before, "| "...)
	if h.look.terminal {
		return before, AppendEscaped, newline
	}
	return before, appendRaw, newline
}

func jsonBefore(b Block) []byte {
	before := []byte(`{"time":`)
	before = appendJSONString(before, b.At.Format(time.RFC3339Nano))
	return append(before, `,"level":"OUTPUT","msg":"`...)
}

func jsonAfter(b Block) []byte {
	after := []byte(`","pool":`)
	after = appendJSONString(after, b.Pool)
	after = append(after, `,"worker":`...)
	after = strconv.AppendInt(after, int64(b.Slot), 10)
	after = append(after, `,"pid":`...)
	after = strconv.AppendInt(after, int64(b.PID), 10)
	return append(after, "}\n"...)
}

func appendRaw(to, line []byte) []byte { return append(to, line...) }

// appendWithoutNUL escapes NUL, which ends a line for journald: what follows
// would be a line of its own, with a level of the worker's choice.
func appendWithoutNUL(to, line []byte) []byte {
	for {
		end := bytes.IndexByte(line, 0)
		if end < 0 {
			return append(to, line...)
		}
		to = append(to, line[:end]...)
		to = append(to, `\x00`...)
		line = line[end+1:]
	}
}
