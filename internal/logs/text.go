package logs

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"
)

// supervisor is who speaks in a line that is about no pool.
const supervisor = "supervisor"

const (
	timeOfDay   = "15:04:05"                      // a person is watching
	timeAndDate = "2006-01-02T15:04:05.000Z07:00" // RFC 3339
)

const (
	grey   = "\x1b[90m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
	normal = "\x1b[0m"
)

func (h *Handler) appendTextRecord(to []byte, r slog.Record, f *fields) []byte {
	who, attrs := f.who()
	name, colour := levelName(r.Level)
	to = h.appendTextHead(to, r.Time, name, colour, who)
	to = AppendEscaped(to, []byte(r.Message))
	for _, a := range attrs {
		to = append(to, ' ')
		to = h.paint(to, grey, string(appendKey(nil, a.Key)))
		to = appendValue(to, plain(a.Value))
	}
	return append(to, '\n')
}

// appendTextHead appends what stands before the message: time, level and who.
func (h *Handler) appendTextHead(to []byte, at time.Time, level, colour, who string) []byte {
	layout := timeAndDate
	if h.look.terminal {
		layout = timeOfDay
	}
	if !at.IsZero() {
		to = h.paint(to, grey, at.Format(layout))
		to = append(to, ' ')
	}
	to = h.paint(to, colour, fmt.Sprintf("%-5s", level))
	to = append(to, ' ')
	return h.appendWho(to, who)
}

// appendWho appends who speaks, in a column that has grown to the longest name
// so far.
func (h *Handler) appendWho(to []byte, who string) []byte {
	if who == "" {
		who = supervisor
	}
	who = string(AppendEscaped(nil, []byte(who)))
	length := utf8.RuneCountInString(who)
	width := int(h.width.Load())
	if length > width && width < maxWidth {
		width = min(length, maxWidth)
		h.width.Store(int32(width)) // two at once: the next line mends it
	}
	to = append(to, who...)
	return append(to, strings.Repeat(" ", max(0, width-length)+2)...)
}

func (h *Handler) paint(to []byte, colour, text string) []byte {
	if !h.look.colour || colour == "" {
		return append(to, text...)
	}
	to = append(to, colour...)
	to = append(to, text...)
	return append(to, normal...)
}

func appendKey(to []byte, key string) []byte {
	return append(appendValue(to, key), '=')
}

// levelName is the level as it is shown, and its colour.
func levelName(l slog.Level) (name, colour string) {
	switch {
	case l >= slog.LevelError:
		return "ERROR", red
	case l >= slog.LevelWarn:
		return "WARN", yellow
	case l >= slog.LevelInfo:
		return "INFO", green
	}
	return "DEBUG", grey
}

// appendJournalRecord has the level as <N> in front, and neither time nor column:
// journalctl(1) adds the one and would be crooked by the other.
func appendJournalRecord(to []byte, r slog.Record, f *fields) []byte {
	who, attrs := f.who()
	to = append(to, journalLevel(r.Level)...)
	if who != "" {
		to = AppendEscaped(to, []byte(who))
		to = append(to, ' ')
	}
	to = AppendEscaped(to, []byte(r.Message))
	for _, a := range attrs {
		to = append(to, ' ')
		to = appendKey(to, a.Key)
		to = appendValue(to, plain(a.Value))
	}
	return append(to, '\n')
}

// journalLevel is the prefix that sd-daemon(3) defines for the level.
func journalLevel(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "<3>"
	case l >= slog.LevelWarn:
		return "<4>"
	case l >= slog.LevelInfo:
		return "<6>"
	}
	return "<7>"
}
