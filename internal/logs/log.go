package logs

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// flushLimit is how long Log.Close waits for the reader of the log.
const flushLimit = time.Second

// Log is the supervisor's own log: a Handler in front of a Queue in front of a
// descriptor, standard error as a rule. Nobody who writes to it waits for its
// reader, except for a regular file (see Wait).
type Log struct {
	handler *Handler
	queue   *Queue
	stream  *stream // nil: a regular file
}

// NewLog starts a Log on file, which stays the caller's and whose flags are not
// touched. Close ends it.
func NewLog(file *os.File, format Format, level slog.Leveler) (*Log, error) {
	l := &Log{}
	var sink io.Writer = file
	pace := Wait
	var info unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &info); err != nil || info.Mode&unix.S_IFMT != unix.S_IFREG {
		s, err := newStream(int(file.Fd()))
		if err != nil {
			return nil, err
		}
		l.stream, sink, pace = s, s, Drop
	}
	l.queue = NewQueue(sink, pace, l.notice)
	output := func(lines []byte) { _, _ = l.queue.Write(lines) } // never fails
	l.handler = newHandler(lookFor(file, format), level, l.queue.Own, output)
	return l, nil
}

// Slog is the logger for the supervisor's own records.
func (l *Log) Slog() *slog.Logger { return slog.New(l.handler) }

// WorkerOutput logs lines of a worker.
func (l *Log) WorkerOutput(b Block) { l.handler.Output(b) }

// Sync returns when what was logged before is written; see Queue.Sync.
func (l *Log) Sync() { l.queue.Sync() }

// Written is the number of lines that the log has taken.
func (l *Log) Written() uint64 { return l.queue.Written() }

// Dropped is the number of lines that were lost.
func (l *Log) Dropped() uint64 { return l.queue.Dropped() }

// notice tells in the log what was lost of it. That it fails now can be told
// nowhere.
func (l *Log) notice(n Notice) {
	if n.Kind != Failing {
		l.Slog().Warn(n.Text())
	}
}

// Close writes what is queued, for at most a second and not beyond ctx, and ends
// the Log. Its error says what was lost.
func (l *Log) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	err := l.queue.Close(ctx)
	select {
	case <-l.queue.done:
		if l.stream != nil {
			l.stream.close()
		}
	default: // a write(2) that never returns has the stream still
	}
	return err
}
