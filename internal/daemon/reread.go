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
	d.changing.Lock()
	old, next, err := d.accept()
	if err != nil {
		d.changing.Unlock()
		return
	}
	d.putInForce(next)
	d.addAndRemove(ctx, old, next)
	commands := d.reconfigureAll(ctx, old.Pools, next.Pools, supervisor.Command{Trigger: "signal", By: "SIGHUP"})
	d.changing.Unlock()
	d.carryOut(ctx, commands)
}

// accept reads the configuration again and says what becomes of that. The caller
// holds changing.
func (d *Daemon) accept() (old, next *config.Config, err error) {
	old = d.config()
	select {
	case <-d.supervisor.Done():
		return nil, nil, supervisor.ErrEnded
	default:
	}
	next = old
	if old.Path != "" {
		next, err = config.Load(old.Path)
	}
	d.telling.refuse(err)
	d.noteConfig(err == nil)
	if err != nil {
		d.refuse(err)
		return nil, nil, err
	}
	d.warnOf(old.Supervisor, next.Supervisor)
	next.Supervisor = old.Supervisor
	return old, next, nil
}

// putInForce has everybody see another configuration. The caller holds changing.
func (d *Daemon) putInForce(next *config.Config) {
	d.cfg.Store(next)
	d.moveHTTP(next.HTTP)
	select {
	case d.reconfigured <- struct{}{}:
	default:
	}
}

// addAndRemove ends the pools that the configuration has no more, and begins those
// that are new. The caller holds changing.
func (d *Daemon) addAndRemove(ctx context.Context, old, next *config.Config) {
	for _, p := range old.Pools {
		if find(next.Pools, p.Name) == nil {
			d.supervisor.Remove(ctx, p.Name)
			d.executor.Remove(ctx, p.Name)
		}
	}
	for _, p := range next.Pools {
		if find(old.Pools, p.Name) == nil {
			d.begin(p)
		}
	}
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
