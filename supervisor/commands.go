package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnknownPool: there is no pool with that name; the error's text lists those
// there are.
var ErrUnknownPool = errors.New("unknown pool")

// ErrEnded: the loop has ended and takes no more commands.
var ErrEnded = errors.New("the supervisor is shutting down")

// maxProcesses bounds scale as the configuration is bound.
const maxProcesses = 4096

// take notes what a command wants. Loop only.
func (s *Supervisor) take(c Command) receipt {
	if s.stopping {
		return receipt{err: ErrEnded}
	}
	answer := receipt{err: fmt.Errorf("%w %q; there are: %s", ErrUnknownPool, c.Pool, strings.Join(s.names(), ", "))}
	s.with(c.Pool, func(p *pool) {
		if p.leaving {
			answer.err = fmt.Errorf("%w %q: the configuration has it no more", ErrUnknownPool, c.Pool)
			return
		}
		what := string(c.Action)
		if c.Path != "" {
			what += " for " + c.Path
		}
		if c.Action == ActionScale {
			what = fmt.Sprintf("scale to %d", c.Processes)
		}
		p.say(s.now(), nil, Event{Kind: KindCommand, Text: what + ", asked by " + c.By})
		switch c.Action {
		case ActionStart:
			answer = s.start(p)
		case ActionStop:
			answer = s.stop(p)
		case ActionReload:
			answer = s.renew(p, p.cfg.Reload, c)
		case ActionRestart:
			way := ReloadRolling
			if c.AllAtOnce {
				way = ReloadRestart
			}
			answer = s.renew(p, way, c)
		case ActionScale:
			answer = s.scale(p, c.Processes)
		default:
			answer = receipt{err: fmt.Errorf("no such action: %q", c.Action)}
		}
	})
	return answer
}

func (s *Supervisor) names() []string {
	var names []string
	for _, p := range s.pools {
		names = append(names, p.cfg.Name)
	}
	return names
}

func (s *Supervisor) start(p *pool) receipt {
	if p.up && p.failures == 0 && p.whole() {
		return receipt{already: true, text: fmt.Sprintf("already running, %s ready", times(p.serving(), "worker"))}
	}
	p.up = true
	p.forgive()
	return receipt{}
}

// forgive clears a back-off: somebody has looked at it.
func (p *pool) forgive() {
	p.failures, p.delay, p.retryAt, p.strikes = 0, 0, time.Time{}, 0
}

// stop wins over a reload.
func (s *Supervisor) stop(p *pool) receipt {
	if p.state() == Stopped {
		p.up = false
		return receipt{already: true, text: "already stopped"}
	}
	p.abandonSwap()
	p.up, p.complete, p.candidate, p.atOnce = false, false, 0, false
	p.probe.failures, p.probe.unhealthy, p.probe.next = 0, false, time.Time{}
	p.forgive()
	p.finishReload(s.now(), "failed", "stopped meanwhile", nil)
	if p.postponed != nil {
		p.reload, p.postponed = p.postponed.status, nil
		p.finishReload(s.now(), "failed", "stopped meanwhile", nil)
	}
	return receipt{}
}

// renewal is a reload or restart that has been asked for.
type renewal struct {
	way    string
	status *ReloadStatus
}

// renew gives a new generation a number. One that is asked for while another is a
// candidate takes its place; the generation that serves is not touched.
func (s *Supervisor) renew(p *pool, way string, c Command) receipt {
	if !p.up {
		return s.start(p)
	}
	p.forgive()
	p.newest++
	r := &renewal{way, &ReloadStatus{Trigger: c.Trigger, Path: c.Path, Generation: p.newest, At: s.now()}}
	if p.swap == swapExposing { // which of the two serves is known in a moment
		p.postponed = r
	} else {
		p.begin(r)
	}
	return receipt{generation: p.newest}
}

// begin makes the new generation the candidate.
func (p *pool) begin(r *renewal) {
	p.abandonSwap()
	p.candidate, p.atOnce = r.status.Generation, r.way == ReloadRestart
	switch {
	case p.atOnce || p.serving() == 0: // nothing to keep until it has proved itself
		p.generation, p.candidate, p.proven = r.status.Generation, 0, false
	case r.way == ReloadSwap:
		p.swap = swapWanted
	case p.cfg.Probe.Interval > 0:
		p.beginTrial()
	}
	p.reload = r.status
}

func (s *Supervisor) scale(p *pool, processes int) receipt {
	if processes < 1 || processes > maxProcesses {
		return receipt{err: fmt.Errorf("scale %s to %d: the number of workers is 1 to %d; to have none: stop %s",
			p.cfg.Name, processes, maxProcesses, p.cfg.Name)}
	}
	before := p.processes
	p.processes = processes
	p.growSlots()
	p.complete = p.complete && before == processes
	p.say(s.now(), nil, Event{Kind: KindScaled, Text: fmt.Sprintf("from %d to %s", before, times(processes, "worker"))})
	if !p.up {
		return receipt{already: true, text: fmt.Sprintf("stopped; %s when it is started", times(processes, "worker"))}
	}
	return receipt{}
}

// Add makes a pool that the configuration has now; it is started at once.
func (s *Supervisor) Add(cfg PoolConfig) { s.send(addPool{cfg}) }

// Configure gives a pool its changed configuration. Its workers stay; a reload
// replaces them.
func (s *Supervisor) Configure(cfg PoolConfig) { s.send(configurePool{cfg}) }

// Remove stops a pool that the configuration has no more, and returns when it is
// gone, ctx ends or the loop has ended.
func (s *Supervisor) Remove(ctx context.Context, name string) {
	s.send(removePool{name})
	for v := s.view.Load(); v.snapshot.Pool(name) != nil; v = s.view.Load() {
		select {
		case <-v.changed:
		case <-ctx.Done():
			return
		case <-s.done:
			return
		}
	}
}
