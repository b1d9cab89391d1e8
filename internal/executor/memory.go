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
			all[name] = *m
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

// recall takes over how generations are made.
func (c *crew) recall(m Memory) {
	for generation, g := range m.Generations {
		c.births[generation] = &birth{cfg: g.Config, spec: g.Spec, path: g.Path}
	}
}
