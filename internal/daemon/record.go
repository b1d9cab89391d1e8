package daemon

import (
	"context"
	"log/slog"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/supervisor"
)

// record writes an event to the log. What happened to us is a warning; what
// every start and stop brings with it is for those who ask.
func (d *Daemon) record(e supervisor.Event) {
	d.tidier.note(e)
	d.history.Note(e)
	level := slog.LevelInfo
	switch {
	case e.Bad:
		level = slog.LevelWarn
	case e.Slot >= 0: // started, ready, ended as asked: the pool's own line sums them up
		level = slog.LevelDebug
	}
	attributes := []slog.Attr{slog.String("pool", e.Pool)}
	if e.Slot >= 0 {
		attributes = append(attributes, slog.Int("worker", e.Slot))
	}
	if e.PID > 0 {
		attributes = append(attributes, slog.Int("pid", e.PID))
	}
	if e.Generation > 1 && e.Slot >= 0 {
		attributes = append(attributes, slog.Int("gen", e.Generation))
	}
	d.log.Slog().LogAttrs(context.Background(), level, e.Text, attributes...)
	if d.elsewhere(e.Pool) {
		for _, line := range e.Output { // else they stand above already
			d.log.Slog().LogAttrs(context.Background(), level, "its output: "+line, attributes...)
		}
	}
}

// elsewhere: the output of that pool's workers does not go to our log.
func (d *Daemon) elsewhere(pool string) bool {
	for _, p := range d.config().Pools {
		if p.Name == pool {
			return p.Log.Output == config.OutputFile
		}
	}
	return false
}
