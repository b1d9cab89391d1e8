package logs

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Handler is a slog.Handler for the supervisor's own log, and writes the output
// of workers among its lines. It may be used by several goroutines.
type Handler struct {
	look    look
	level   slog.Leveler
	records func(line []byte)  // our own lines
	output  func(lines []byte) // lines of workers
	width   *atomic.Int32      // of the column that says who, as wide as was needed so far
	fields  fields             // given by With
	group   string             // prefix of the keys to come: "a.b."
}

// minWidth and maxWidth bound the column that says who.
const minWidth, maxWidth = 14, 32

// NewHandler makes a Handler that writes to w, a line or a run of lines with each
// call. If w is an *os.File, it decides about colours and what Auto means; else
// Auto is Text without colours.
func NewHandler(w io.Writer, format Format, level slog.Leveler) *Handler {
	// A mutex: slog is called from everywhere and a line must stay whole; w is
	// as slow as it is. Log has a Queue instead.
	var mu sync.Mutex
	write := func(lines []byte) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = w.Write(lines) // there is nowhere to report to
	}
	return newHandler(lookFor(w, format), level, write, write)
}

func newHandler(l look, level slog.Leveler, records, output func([]byte)) *Handler {
	h := &Handler{look: l, level: level, records: records, output: output, width: new(atomic.Int32)}
	h.width.Store(minWidth)
	return h
}

// Enabled reports whether the level is to be logged.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// WithAttrs is the Handler for records that all have these attributes.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.fields = h.fields.clone()
	for _, a := range attrs {
		with.fields.add(h.group, a)
	}
	return &with
}

// WithGroup is the Handler whose attributes to come are called name.KEY.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.group = h.group + name + "."
	return &with
}

// Handle writes one line.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	f := h.fields.clone()
	r.Attrs(func(a slog.Attr) bool {
		f.add(h.group, a)
		return true
	})
	s := scratches.Get().(*scratch)
	defer s.release()
	switch h.look.format {
	case JSON:
		s.bytes = appendJSONRecord(s.bytes, r, &f)
	case Journal:
		s.bytes = appendJournalRecord(s.bytes, r, &f)
	default:
		s.bytes = h.appendTextRecord(s.bytes, r, &f)
	}
	h.records(s.bytes)
	return nil
}

// scratch is where lines are put together.
type scratch struct{ bytes []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) release() {
	s.bytes = s.bytes[:0]
	scratches.Put(s)
}
