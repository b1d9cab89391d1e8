package executor

import (
	"context"
	"maps"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/supervisor"
)

// all are the pools there are, by name; never written to.
func (e *Executor) all() map[string]*crew { return *e.crews.Load() }

// Add prepares a pool; its socket is opened by Open or a Bind.
func (e *Executor) Add(p config.Pool) {
	sink, err := newSink(p, e.log)
	if err != nil {
		e.logger().Error("the pool writes to this log, for its own cannot be opened", "pool", p.Name, "err", err)
		sink = ownLog{e.log}
	}
	next := maps.Clone(e.all())
	c := &crew{cfg: p, ring: logs.NewRing(logs.RingSize), births: map[int]*birth{},
		on: map[int]*listen.Socket{}, hands: map[supervisor.ID]*hand{}}
	c.writeTo(sink)
	c.changed()
	next[p.Name] = c
	e.crews.Store(&next)
}

// Configure gives a pool its changed configuration: for the generations that are
// begun from now on, and for the way in which workers are ended.
func (e *Executor) Configure(p config.Pool) (err error) {
	e.wait(func() {
		c := e.all()[p.Name]
		_, own := c.sink.(ownLog) // it may have fallen back to it
		if p.Log != c.cfg.Log || own && p.Log.Output == config.OutputFile {
			var next sink
			if next, err = newSink(p, e.log); err != nil {
				return
			}
			c.oldSinks = append(c.oldSinks, c.sink)
			c.writeTo(next)
		}
		c.cfg = p
		c.changed()
	})
	return err
}

// Remove forgets a pool that has been stopped.
func (e *Executor) Remove(ctx context.Context, name string) {
	next := maps.Clone(e.all())
	c := next[name]
	delete(next, name)
	e.crews.Store(&next)
	for _, sink := range append(c.oldSinks, c.sink) {
		sink.Close(ctx)
	}
}

// wait has something done by the work goroutine, and returns when it is done or
// the executor ends.
func (e *Executor) wait(task func()) {
	done := make(chan struct{})
	e.push(func() {
		task()
		close(done)
	})
	select {
	case <-done:
	case <-e.quit:
	}
}
