package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
)

// begin starts a pool that is new in the configuration.
func (d *Daemon) begin(p config.Pool) {
	d.executor.Add(p)
	d.supervisor.Add(poolConfig(p))
}

// Reload reads the configuration again and gives one pool a new generation with
// what it says now. A configuration with a mistake changes nothing; the error is
// control.Mistakes then.
func (d *Daemon) Reload(ctx context.Context, c supervisor.Command, progress func(string)) (supervisor.Outcome, error) {
	c, failure, err := d.prepareReload(c)
	if err != nil {
		return supervisor.Outcome{}, mistakesOf(err)
	}
	outcome, err := d.supervisor.Do(ctx, c, progress)
	if err == nil && failure != nil {
		outcome = supervisor.Outcome{Text: fmt.Sprintf("%s: its old configuration stays: %v", c.Pool, failure)}
	}
	return outcome, err
}

// prepareReload gives a pool its changed configuration and says which command has
// its workers have it; failure says why the pool could not have it.
func (d *Daemon) prepareReload(c supervisor.Command) (_ supervisor.Command, failure, err error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	old, next, err := d.accept()
	if err != nil {
		return c, nil, err
	}
	before, now := find(old.Pools, c.Pool), find(next.Pools, c.Pool)
	switch {
	case before == nil && now == nil: // the loop lists those there are
	case now == nil:
		return c, nil, fmt.Errorf("%w %q: the configuration has it no more; try: fcgi-supervisor reload --all, which ends it", supervisor.ErrUnknownPool, c.Pool)
	case before == nil:
		merged := *old
		merged.Pools = append(slices.Clone(old.Pools), *now)
		d.putInForce(&merged)
		d.begin(*now)
		c.Action = supervisor.ActionStart
	default:
		merged := *old
		merged.Pools = slices.Clone(old.Pools)
		*find(merged.Pools, c.Pool) = *now
		d.putInForce(&merged)
		c, failure = d.reconfigure(context.Background(), *before, *now, c)
	}
	return c, failure, nil
}

// Reread reads the configuration again, ends the pools that it has no more and
// begins those that are new. The others have what has changed when they are
// reloaded. progress is told of each.
func (d *Daemon) Reread(progress func(string)) (control.Change, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	old, next, err := d.accept()
	if err != nil {
		return control.Change{}, mistakesOf(err)
	}
	var change control.Change
	merged := *next
	merged.Pools = slices.Clone(next.Pools)
	for i, p := range merged.Pools {
		if before := find(old.Pools, p.Name); before != nil {
			merged.Pools[i] = *before
		} else {
			change.Added = append(change.Added, p.Name)
			progress(p.Name + ": starts, it is new in the configuration")
		}
	}
	for _, p := range old.Pools {
		if find(next.Pools, p.Name) == nil {
			change.Removed = append(change.Removed, p.Name)
			progress(p.Name + ": ends, the configuration has it no more")
		}
	}
	d.putInForce(&merged)
	d.addAndRemove(context.Background(), old, &merged) // ends with the loop
	return change, nil
}

// mistakesOf has the mistakes of a configuration as the control API tells them.
func mistakesOf(err error) error {
	var mistakes config.Errors
	if !errors.As(err, &mistakes) {
		return err
	}
	var told control.Mistakes
	for _, m := range mistakes {
		told = append(told, m.Error())
	}
	return told
}

// reconfigureAll gives pools their changed configuration and returns the commands
// that have their workers have it; c has what these have in common. The caller
// holds changing.
func (d *Daemon) reconfigureAll(ctx context.Context, old, next []config.Pool, c supervisor.Command) []supervisor.Command {
	commands := make([]supervisor.Command, len(old))
	var all sync.WaitGroup
	for i, before := range old {
		if now := find(next, before.Name); now != nil {
			all.Go(func() {
				status := d.supervisor.Snapshot().Pool(now.Name)
				c := c
				c.Pool, c.Action = now.Name, supervisor.ActionReload
				c, _ = d.reconfigure(ctx, before, *now, c)
				if status == nil || status.State != supervisor.Stopped { // that one stays so
					commands[i] = c
				}
			})
		}
	}
	all.Wait()
	return commands
}

// carryOut gives commands and waits for all outcomes, of which events tell.
func (d *Daemon) carryOut(ctx context.Context, commands []supervisor.Command) {
	var all sync.WaitGroup
	for _, c := range commands {
		if c.Action != "" {
			all.Go(func() { _, _ = d.supervisor.Do(ctx, c, nil) })
		}
	}
	all.Wait()
}

// reconfigure gives a pool its changed configuration and returns the command that
// has its workers have it, which is the one given unless the address changes. An
// error: the old configuration stays, and the command is needed all the same. The
// caller holds changing.
func (d *Daemon) reconfigure(ctx context.Context, old, next config.Pool, c supervisor.Command) (supervisor.Command, error) {
	status := d.supervisor.Snapshot().Pool(next.Name)
	stopped := status != nil && status.State == supervisor.Stopped
	moves := next.ReloadWay() == config.ReloadSwap && (next.Listen == old.Listen || next.Listen.Kind == listen.Unix)
	if needsSocket(old, next) && !moves && !stopped {
		c.Action = supervisor.ActionStop // there is no socket beside the old one: there is no way round
		_, _ = d.supervisor.Do(ctx, c, nil)
		c.Action = supervisor.ActionStart
	}
	err := d.executor.Configure(next)
	if err != nil {
		d.log.Slog().Error("cannot change the pool, its old configuration stays", "pool", next.Name, "err", err)
	} else {
		d.supervisor.Configure(poolConfig(next))
	}
	return c, err
}

// needsSocket: what has changed is a property of the listening socket.
func needsSocket(old, next config.Pool) bool {
	return old.Listen != next.Listen || old.ListenBacklog != next.ListenBacklog || old.ListenMode != next.ListenMode ||
		old.ListenOwner != next.ListenOwner || old.ListenGroup != next.ListenGroup
}

func find(pools []config.Pool, name string) *config.Pool {
	for i := range pools {
		if pools[i].Name == name {
			return &pools[i]
		}
	}
	return nil
}
