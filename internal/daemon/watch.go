package daemon

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/watch"
	"fcgi-supervisor/supervisor"
)

// watching reloads the pools whose files change. Its goroutines are ended by the
// function that startWatching returns.
type watching struct {
	daemon  *Daemon
	ctx     context.Context
	done    sync.WaitGroup
	watcher *watch.Watcher // nil until a pool wants it
	reload  func(pool, path string)

	cfg     *config.Config       // the one that is watched for; follow only
	resumed map[string]time.Time // the last reload that was not ours, by pool; follow only
}

// startWatching watches what the configuration names, before the first worker is
// born: what changes from then on, that worker may not have seen.
func (d *Daemon) startWatching() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watching{daemon: d, ctx: ctx, resumed: map[string]time.Time{}, reload: d.reloadFor(ctx)}
	w.configure(d.config())
	w.done.Go(w.follow)
	return func() {
		cancel()
		w.done.Wait()
	}
}

// follow takes note of a new configuration, and of reloads that somebody asked
// for, which end the suspension of a watch: they show in what the loop publishes.
// Where nothing is watched it sleeps.
func (w *watching) follow() {
	var last uint64
	for {
		w.configure(w.daemon.config())
		var published <-chan struct{} // nil: never
		if w.watcher != nil {
			events, more := w.daemon.supervisor.Events(last)
			if len(events) > 0 {
				last = events[len(events)-1].Seq
			}
			published = more
			for _, p := range w.daemon.supervisor.Snapshot().Pools {
				w.resume(p)
			}
		}
		select {
		case <-published:
		case <-w.daemon.reconfigured:
		case <-w.ctx.Done():
			if w.watcher != nil {
				w.watcher.Close()
			}
			return
		}
	}
}

func (w *watching) configure(cfg *config.Config) {
	if cfg == w.cfg {
		return
	}
	w.cfg = cfg
	specs := watchSpecs(cfg)
	if w.watcher == nil {
		if len(specs) == 0 {
			return
		}
		w.watcher = watch.New(w.changed, w.daemon.log.Slog())
	}
	w.watcher.Set(specs)
}

func (w *watching) resume(p *supervisor.PoolStatus) {
	if r := p.LastReload; r != nil && r.Trigger != "file" && w.resumed[p.Name] != r.At {
		w.resumed[p.Name] = r.At
		if w.watcher != nil {
			w.watcher.Resume(p.Name)
		}
	}
}

// changed is called by the watcher's goroutine. A change during a reload does not
// wait for its end: what is about to start is outdated, or may hang.
func (w *watching) changed(pool, path string) {
	w.done.Go(func() { w.reload(pool, path) }) // ends with the reload, or when another takes its place, or with w.ctx
}

// reloadFor makes the function that reloads a pool and waits for the outcome, of
// which events tell. A pool that somebody has stopped stays so: starting it will
// bring the new files.
func (d *Daemon) reloadFor(ctx context.Context) func(pool, path string) {
	return func(pool, path string) {
		status := d.supervisor.Snapshot().Pool(pool)
		if status == nil || status.State == supervisor.Stopped || status.State == supervisor.Stopping {
			return
		}
		_, _ = d.supervisor.Do(ctx, supervisor.Command{Action: supervisor.ActionReload, Pool: pool,
			Trigger: "file", Path: path, By: "file watch"}, nil)
	}
}

// watchSpecs are the watches that the configuration asks for.
func watchSpecs(cfg *config.Config) []watch.Spec {
	own := ownFiles(cfg)
	var specs []watch.Spec
	for _, p := range cfg.Pools {
		if len(p.Watch.Paths) == 0 {
			continue
		}
		ignore := append(append([]string{}, p.Watch.Ignore...), own...)
		specs = append(specs, watch.Spec{Name: p.Name, Root: p.Directory, Paths: p.Watch.Paths, Ignore: ignore,
			Debounce: p.Watch.Debounce, Mode: p.Watch.Mode})
	}
	return specs
}

// ownFiles are patterns of what the supervisor itself writes: logs, also rotated
// ones, and its runtime folder. They must not cause a reload, which would write
// the next line.
func ownFiles(cfg *config.Config) []string {
	paths := []string{cfg.Supervisor.RuntimeDir}
	for _, p := range cfg.Pools {
		if p.Log.File != "" {
			paths = append(paths, p.Log.File)
		}
	}
	for _, stream := range []string{"/proc/self/fd/1", "/proc/self/fd/2"} {
		if path, err := os.Readlink(stream); err == nil && filepath.IsAbs(path) {
			paths = append(paths, path)
		}
	}
	var patterns []string
	for _, path := range paths {
		if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			path = filepath.Join(folder, filepath.Base(path)) // what a pool's link to its logs leads to
		}
		patterns = append(patterns, watch.Escape(path), watch.Escape(path)+".[0-9]*")
	}
	return patterns
}
