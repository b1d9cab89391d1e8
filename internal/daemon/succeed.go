package daemon

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/executor"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
)

// inherit reads what an earlier supervisor has left; nil: nothing.
func (d *Daemon) inherit() *state {
	s, err := readState(statePath(d.runtimeDir()))
	if err != nil {
		d.log.Slog().Warn(err.Error())
	}
	if s == nil {
		d.lineage = newLineage()
		return nil
	}
	d.lineage, d.lostBefore = s.Lineage, s.OwnLost
	return s
}

// takeBack gives the loop what an earlier supervisor knew and what is left of it.
// The pools go on as they were configured then.
func (d *Daemon) takeBack(s *state, heritage *handover) {
	estate := executor.Estate{Pools: s.Pools, Loop: s.Loop, WrittenAt: s.WrittenAt, Sockets: listen.Stored()}
	if heritage != nil {
		estate.Sockets, estate.Pipes = heritage.Sockets, heritage.Pipes
	}
	found := d.executor.TakeBack(estate)
	d.supervisor.Recall(s.Loop, found, time.Now())
}

// startingPools are those of the configuration, each as an earlier supervisor had
// it, and those that only that one had.
func (d *Daemon) startingPools(s *state) []config.Pool {
	pools := slices.Clone(d.config().Pools)
	if s == nil {
		return pools
	}
	for _, m := range s.Loop.Pools {
		memory, known := s.Pools[m.Name]
		if !known {
			continue
		}
		if now := find(pools, m.Name); now == nil {
			pools = append(pools, memory.Config)
		} else if !sameConfig(memory.Config, *now) {
			*now = memory.Config
		}
	}
	slices.SortFunc(pools, func(a, b config.Pool) int { return cmp.Compare(a.Name, b.Name) })
	return pools
}

// catchUp makes the pools what the configuration says now, as a reload would, but
// touches only what has changed since the earlier supervisor read it. It is called
// with changing held, so that nobody comes before it, and releases it.
func (d *Daemon) catchUp(ctx context.Context, starting []config.Pool) {
	next := d.config()
	d.addAndRemove(ctx, &config.Config{Pools: starting}, next)
	changed := slices.DeleteFunc(slices.Clone(next.Pools), func(p config.Pool) bool { return sameConfig(*find(starting, p.Name), p) })
	for _, p := range changed {
		d.log.Slog().Info("the configuration has changed since it was last read", "pool", p.Name)
	}
	commands := d.reconfigureAll(ctx, starting, changed, supervisor.Command{Trigger: "config", By: "the changed configuration"})
	d.changing.Unlock()
	d.carryOut(ctx, commands)
}

// sameConfig: nothing differs but where it stands.
func sameConfig(a, b config.Pool) bool {
	a.Where, b.Where = "", ""
	first, err1 := json.Marshal(a)
	second, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(first, second)
}
