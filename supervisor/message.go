package supervisor

// message is what can reach the loop: a Fact, a request, a ping, or killAll. It is
// applied by the loop's goroutine, and records; it decides nothing.
type message interface{ apply(*Supervisor) }

// request is a Command with the place for its answer.
type request struct {
	command Command
	reply   chan<- receipt // holds one: the loop never waits for the asker
}

// receipt is how the loop takes note of a command.
type receipt struct {
	err        error // refused
	text       string
	already    bool   // nothing had to be done
	generation int    // restart: the number that will tell its outcome
	view       uint64 // the first view that shows the command
}

// The configuration has been read again: a pool is new, is another, or is gone.
type (
	addPool       struct{ cfg PoolConfig }
	configurePool struct{ cfg PoolConfig }
	removePool    struct{ name string }
)

// ping asks the loop whether it is there.
type ping struct{ reply chan<- struct{} } // holds one: the loop never waits for the asker

// killAll ends everything at once: the second signal.
type killAll struct{}

func (f Bound) apply(s *Supervisor)   { s.with(f.Pool, func(p *pool) { p.bound(s.now(), f.Err) }) }
func (f Hidden) apply(s *Supervisor)  { s.with(f.Pool, func(p *pool) { p.hidden() }) }
func (f Unbound) apply(s *Supervisor) { s.with(f.Pool, func(p *pool) { p.unbound(s.now()) }) }
func (f Opened) apply(s *Supervisor)  { s.with(f.Pool, func(p *pool) { p.opened(s.now(), f) }) }
func (f Probed) apply(s *Supervisor)  { s.with(f.Pool, func(p *pool) { p.probed(f) }) }
func (f Exposed) apply(s *Supervisor) {
	s.with(f.Pool, func(p *pool) { p.exposed(s.now(), f.Generation, f.Err) })
}
func (f Drained) apply(s *Supervisor)   { s.with(f.Pool, func(p *pool) { p.drained(f.Generation) }) }
func (f Started) apply(s *Supervisor)   { s.with(f.Pool, func(p *pool) { p.started(f) }) }
func (f Ready) apply(s *Supervisor)     { s.with(f.Pool, func(p *pool) { p.ready(f.ID, f.At) }) }
func (f Unseen) apply(s *Supervisor)    { s.with(f.Pool, func(p *pool) { p.unseen(f.ID) }) }
func (f Signalled) apply(s *Supervisor) { s.with(f.Pool, func(p *pool) { p.signalled(f.ID) }) }
func (f Exited) apply(s *Supervisor)    { s.with(f.Pool, func(p *pool) { p.exited(f.ID, f.Exit) }) }

func (r request) apply(s *Supervisor) {
	answer := s.take(r.command)
	answer.view = s.views + 1
	r.reply <- answer
}

func (p ping) apply(*Supervisor) { p.reply <- struct{}{} }

func (killAll) apply(s *Supervisor) {
	for _, p := range s.pools {
		p.up, p.hurry = false, true
	}
}

func (m addPool) apply(s *Supervisor) {
	if !s.stopping {
		s.add(m.cfg)
	}
}

func (m configurePool) apply(s *Supervisor) {
	s.with(m.cfg.Name, func(p *pool) { p.configure(m.cfg) })
}

func (m removePool) apply(s *Supervisor) {
	s.with(m.name, func(p *pool) {
		p.leaving = true
		s.stop(p)
	})
}
