package executor

import (
	"context"
	"errors"
	"fmt"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/logs"
)

// sink is where a pool's output goes, besides its ring.
type sink interface {
	Take(logs.Block) // whole lines; copies what it keeps
	Sync()           // returns when what was taken is written, or cannot be in good time
	Reopen() error
	Dropped() uint64 // lines it has lost
	Close(context.Context)
}

func newSink(p config.Pool, log *logs.Log) (sink, error) {
	if p.Log.Output != config.OutputFile {
		return ownLog{log}, nil
	}
	// MaxFiles counts the one being written, logs.OpenFile the old ones.
	file, err := logs.OpenFile(p.Log.File, p.Log.MaxSize, p.Log.MaxFiles-1, logs.FileMode)
	if err != nil {
		return nil, fmt.Errorf("pool %s: %w", p.Name, err)
	}
	notice := func(n logs.Notice) {
		logger := log.Slog().With("pool", p.Name, "file", p.Log.File)
		if n.Err != nil {
			logger.Error(n.Text(), "err", n.Err)
			return
		}
		logger.Warn(n.Text())
	}
	return &fileSink{file, logs.NewQueue(file, file.Pace(), notice)}, nil
}

// ownLog is the supervisor's own log.
type ownLog struct{ log *logs.Log }

func (o ownLog) Take(b logs.Block)   { o.log.WorkerOutput(b) }
func (o ownLog) Sync()               { o.log.Sync() }
func (ownLog) Reopen() error         { return nil }
func (ownLog) Dropped() uint64       { return 0 } // of which pool they were is not known
func (ownLog) Close(context.Context) {}

// fileSink is a file of the pool's own, behind a queue.
type fileSink struct {
	file  *logs.File
	queue *logs.Queue
}

func (f *fileSink) Take(b logs.Block) { _, _ = f.queue.Write(b.Bytes) }
func (f *fileSink) Sync()             { f.queue.Sync() }
func (f *fileSink) Reopen() error     { return f.file.Reopen() }
func (f *fileSink) Dropped() uint64   { return f.queue.Dropped() }

func (f *fileSink) Close(ctx context.Context) {
	if err := f.queue.Close(ctx); err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return // a write to it never returned: the descriptor must stay
	}
	_ = f.file.Close()
}

// writeTo makes s where the output of workers that start from now on goes.
func (c *crew) writeTo(s sink) {
	c.sink = s
	all := append(append([]sink{}, c.oldSinks...), s)
	c.sinks.Store(&all)
}

// output counts the lines of the pool's workers.
func (c *crew) output() Output {
	o := c.before
	o.Lines += c.ring.Lines()
	for _, s := range *c.sinks.Load() {
		o.Dropped += s.Dropped()
	}
	return o
}
