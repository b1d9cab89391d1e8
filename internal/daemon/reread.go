package daemon

import (
	"context"
	"errors"
	"sync"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/supervisor"
)

// door is the one way by which the configuration or the program changes: a
// goroutine that reads the file again when it is knocked at, once at a time; knocks
// that come meanwhile are one more time. It is ended by close.
type door struct {
	knocks   chan struct{} // holds one
	upgrades chan upgradeRequest
	cancel   context.CancelFunc
	done     sync.WaitGroup
}

func (d *Daemon) openDoor() *door {
	ctx, cancel := context.WithCancel(context.Background())
	o := &door{knocks: make(chan struct{}, 1), upgrades: make(chan upgradeRequest), cancel: cancel}
	o.done.Go(func() { o.answer(ctx, d) })
	return o
}

func (o *door) knock() {
	select {
	case o.knocks <- struct{}{}:
	default:
	}
}

func (o *door) close() {
	o.cancel()
	o.done.Wait()
}

func (o *door) answer(ctx context.Context, d *Daemon) {
	d.catchUp(ctx, d.starting)
	for {
		select {
		case <-o.knocks:
			d.telling.reread(func() { d.readAgain(ctx) })
		case r := <-o.upgrades:
			r.failed <- d.upgrade(r)
		case <-ctx.Done():
			return
		}
	}
}

// readAgain reads the configuration again and gives every pool a new generation.
// A configuration with a mistake changes nothing.
func (d *Daemon) readAgain(ctx context.Context) {
	old := d.config()
	next := old
	if old.Path != "" {
		var err error
		if next, err = config.Load(old.Path); err != nil {
			d.telling.refuse(err)
			d.refuse(err)
			d.noteConfig(false)
			return
		}
	}
	d.telling.refuse(nil)
	d.warnOf(old.Supervisor, next.Supervisor)
	d.cfg.Store(next)
	d.noteConfig(true)
	d.moveHTTP(next.HTTP)
	select {
	case d.reconfigured <- struct{}{}:
	default:
	}
	for _, p := range old.Pools {
		if find(next.Pools, p.Name) == nil {
			d.supervisor.Remove(ctx, p.Name)
			d.executor.Remove(ctx, p.Name)
		}
	}
	var all sync.WaitGroup
	for _, p := range next.Pools {
		before := find(old.Pools, p.Name)
		if before == nil {
			d.begin(p)
			continue
		}
		all.Go(func() { d.renew(ctx, *before, p, "signal") })
	}
	all.Wait()
}

// refuse tells every mistake on a line of its own.
func (d *Daemon) refuse(err error) {
	log := d.log.Slog()
	var mistakes config.Errors
	if !errors.As(err, &mistakes) {
		log.Error("the configuration cannot be read, the one before stays", "err", err)
		return
	}
	for _, m := range mistakes {
		log.Error(m.Error())
	}
	log.Error("the configuration has mistakes, the one before stays", "mistakes", len(mistakes))
}

// warnOf names what only a new start can change.
func (d *Daemon) warnOf(old, next config.Supervisor) {
	if old.RuntimeDir != next.RuntimeDir || old.ControlGroup != next.ControlGroup ||
		old.LogLevel != next.LogLevel || old.LogFormat != next.LogFormat {
		d.log.Slog().Warn("the table [supervisor] has changed: that takes effect when the supervisor is started anew")
	}
}

// begin starts a pool that is new in the configuration.
func (d *Daemon) begin(p config.Pool) {
	d.executor.Add(p)
	d.supervisor.Add(poolConfig(p))
}

// renew gives a pool its changed configuration and a new generation. One that is
// stopped stays so. Events tell what becomes of it.
func (d *Daemon) renew(ctx context.Context, old, next config.Pool, trigger string) {
	status := d.supervisor.Snapshot().Pool(next.Name)
	stopped := status != nil && status.State == supervisor.Stopped
	rebind := needsSocket(old, next) && reloadOf(next) != supervisor.ReloadSwap
	if rebind && !stopped { // the workers share the old socket: there is no way round
		d.command(ctx, next.Name, supervisor.ActionStop, trigger)
	}
	if err := d.executor.Configure(next); err != nil {
		d.log.Slog().Error("cannot change the pool, its old configuration stays", "pool", next.Name, "err", err)
	} else {
		d.supervisor.Configure(poolConfig(next))
	}
	switch {
	case stopped:
	case rebind:
		d.command(ctx, next.Name, supervisor.ActionStart, trigger)
	default:
		d.command(ctx, next.Name, supervisor.ActionReload, trigger)
	}
}

func (d *Daemon) command(ctx context.Context, pool string, action supervisor.Action, trigger string) {
	by := "SIGHUP"
	if trigger == "config" {
		by = "the changed configuration"
	}
	_, _ = d.supervisor.Do(ctx, supervisor.Command{Action: action, Pool: pool, Trigger: trigger, By: by}, nil)
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
