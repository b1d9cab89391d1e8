package logs

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Format is how the supervisor's log looks.
type Format string

const (
	// Auto is Journal when standard error goes to systemd's journal, else Text.
	Auto Format = "auto"
	// Text is for a person: aligned, coloured on a terminal; elsewhere without
	// colours and with the date.
	Text Format = "text"
	// Journal has the level in front as sd-daemon(3) wants it, and no time.
	Journal Format = "journal"
	// JSON is one object a line.
	JSON Format = "json"
)

// look is a Format, decided for one place.
type look struct {
	format   Format // Text, Journal or JSON
	terminal bool
	colour   bool // only on a terminal
}

// lookFor decides for w what the format left open.
func lookFor(w io.Writer, format Format) look {
	l := look{format: format}
	file, isFile := w.(*os.File)
	if isFile {
		l.terminal = term.IsTerminal(int(file.Fd()))
		// https://no-color.org: set and not empty.
		l.colour = l.terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	if format != JSON && format != Journal {
		l.format = Text
		if format == Auto && isFile && isJournal(file, os.Getenv("JOURNAL_STREAM")) {
			l.format = Journal
		}
	}
	return l
}

// isJournal says whether file is the stream that JOURNAL_STREAM names by device
// and inode. The variable alone proves nothing: it is inherited by programs whose
// output somebody has redirected (systemd.exec(5)).
func isJournal(file *os.File, stream string) bool {
	var info unix.Stat_t
	if stream == "" || unix.Fstat(int(file.Fd()), &info) != nil {
		return false
	}
	return stream == fmt.Sprintf("%d:%d", info.Dev, info.Ino)
}
