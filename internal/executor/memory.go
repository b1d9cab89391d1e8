package executor

import (
	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/worker"
)

// Memory is what a successor must know of a pool beyond what the loop knows: how
// the workers of each generation are made, and which socket they have.
type Memory struct {
	Config      config.Pool
	Socket      listen.Trace // what clients reach; zero while unbound
	Generations map[int]GenerationMemory
	Output      Output
}

// Output counts the lines of a pool's workers, from the first supervisor on.
type Output struct {
	Lines   uint64 // that they have written
	Dropped uint64 // those of them that the pool's log file did not get
}

// GenerationMemory is a generation in a Memory.
type GenerationMemory struct {
	Config config.Pool // as it was when the generation began
	Spec   worker.Spec
	Path   string         // PATH of the workers
	Listen listen.Address // of the socket
	Socket listen.Trace
}

// Remember returns what is to be written down now, by the names of the pools. It
// waits for nobody.
func (e *Executor) Remember() map[string]Memory {
	all := map[string]Memory{}
	for name, c := range e.all() {
		if m := c.memory.Load(); m != nil {
			now := *m
			now.Output = c.output()
			all[name] = now
		}
	}
	return all
}

// changed publishes what is remembered of the pool; work goroutine, or before Run.
func (c *crew) changed() {
	m := &Memory{Config: c.cfg, Generations: map[int]GenerationMemory{}}
	if socket := c.socket.Load(); socket != nil {
		m.Socket = socket.Trace()
	}
	for generation, b := range c.births {
		g := GenerationMemory{Config: b.cfg, Spec: b.spec, Path: b.path}
		if socket := c.on[generation]; socket != nil {
			g.Listen, g.Socket = socket.Address(), socket.Trace()
		}
		m.Generations[generation] = g
	}
	c.memory.Store(m)
}

// Counted grows with each line that a worker writes or loses: who has told of lines
// learns from it whether there is anything new to remember.
func (e *Executor) Counted() (lines uint64) {
	for _, c := range e.all() {
		o := c.output()
		lines += o.Lines + o.Dropped
	}
	return lines
}

// recall takes over how generations are made, and what was counted.
func (c *crew) recall(m Memory) {
	c.before = m.Output
	for generation, g := range m.Generations {
		c.births[generation] = &birth{cfg: g.Config, spec: g.Spec, path: g.Path}
	}
}
