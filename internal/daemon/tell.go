package daemon

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/notify"
	"fcgi-supervisor/supervisor"
)

// margin is what starting and stopping may take beside the timeouts of workers.
const margin = 15 * time.Second

// telling keeps the service manager informed. Without one it has no goroutine.
type telling struct {
	daemon  *Daemon
	manager *notify.Manager
	refused atomic.Pointer[string] // the first mistake of a configuration that was not taken; nil: none
	// renewing: the start is over with the reload that it began with.
	renewing atomic.Bool
	last     string // the status told last; follow only
}

// startTelling tells the manager of us until the function that it returns is
// called, which is after the loop has ended. run ends when the stop begins.
func (d *Daemon) startTelling(run context.Context) (stop func()) {
	if d.telling.manager == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { d.telling.follow(ctx, run) })
	return func() {
		cancel()
		done.Wait()
	}
}

// follow tells what the loop publishes, and asks it for the watchdog, whether it
// still answers. Where nothing happens and no watchdog is wanted it sleeps. It is
// ended with ctx.
func (t *telling) follow(ctx, run context.Context) {
	var alarm <-chan time.Time // nil: never
	if interval := t.manager.WatchdogInterval(); interval > 0 {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		alarm = ticker.C
	}
	t.manager.Extend(longestStart(t.daemon.config()))
	ready, stopping := false, run.Done()
	for {
		_, published := t.daemon.supervisor.Events(^uint64(0))
		switch pools := t.daemon.supervisor.Snapshot().Pools; {
		case !ready && !t.renewing.Load() && settled(pools):
			ready = true
			t.last = t.status()
			t.manager.Ready(t.last)
		default:
			t.tell(stopping == nil)
		}
		select {
		case <-published:
		case <-alarm:
			if t.daemon.supervisor.Ping(ctx) == nil {
				t.manager.Alive()
			}
		case <-stopping:
			stopping = nil // seen
			t.last = t.status()
			t.manager.Stopping(t.last, longestStop(t.daemon.config()))
		case <-ctx.Done():
			return
		}
	}
}

// tell tells the status if it is another. While we stop, each step of it shows
// that we have not hung.
func (t *telling) tell(stopping bool) {
	status := t.status()
	if status == t.last {
		return
	}
	t.last = status
	if stopping {
		t.manager.Stopping(status, longestStop(t.daemon.config()))
		return
	}
	t.manager.Status(status)
}

// reloading is called when SIGHUP arrives, before the reload begins.
func (t *telling) reloading() { t.manager.Reloading() }

// reread reads the configuration again and tells when that is over.
func (t *telling) reread(read func()) {
	number := t.manager.Reloads()
	read()
	t.renewing.Store(false)
	t.manager.Reloaded(number, t.status())
}

// refuse notes why the new configuration was not taken; nil: it was.
func (t *telling) refuse(err error) {
	if err == nil {
		t.refused.Store(nil)
		return
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	t.refused.Store(&text)
}

func (t *telling) status() string {
	text := summary(t.daemon.supervisor.Snapshot().Pools)
	if mistake := t.refused.Load(); mistake != nil {
		text = "configuration not taken: " + *mistake + "; " + text
	}
	return text
}

// settled: every pool has a ready worker, has said why it has none, or is not
// wanted.
func settled(pools []*supervisor.PoolStatus) bool {
	for _, p := range pools {
		if p.Ready() == 0 && p.LastFailure == nil && p.State != supervisor.Stopped && p.State != supervisor.Stopping {
			return false
		}
	}
	return true
}

// summary is all pools in one line, those first that need somebody's attention.
func summary(pools []*supervisor.PoolStatus) string {
	ready, wanted := 0, 0
	var notable []string
	for _, p := range pools {
		ready, wanted = ready+p.Ready(), wanted+p.Wanted
		switch {
		case p.State == supervisor.Backoff && p.LastFailure != nil:
			notable = append(notable, p.Name+": "+p.LastFailure.Text)
		case p.Unhealthy:
			notable = append(notable, p.Name+": unhealthy")
		case p.State != supervisor.Running:
			notable = append(notable, p.Name+": "+string(p.State))
		}
	}
	text := fmt.Sprintf("%d of %d workers ready", ready, wanted)
	if len(pools) == 1 {
		text = pools[0].Name + ": " + text
	} else {
		text += fmt.Sprintf(" in %d pools", len(pools))
	}
	return strings.Join(append([]string{text}, notable...), "; ")
}

// longestStart is after what time every pool has a ready worker or has failed.
func longestStart(cfg *config.Config) time.Duration {
	var longest time.Duration
	for _, p := range cfg.Pools {
		longest = max(longest, p.StartTimeout)
	}
	return longest + margin
}

// longestStop is how long a stop may take: the queue is emptied, a generation
// that was swapped out drains, the workers finish.
func longestStop(cfg *config.Config) time.Duration {
	var longest time.Duration
	for _, p := range cfg.Pools {
		longest = max(longest, p.DrainTimeout+p.StopTimeout)
	}
	return longest + margin
}

// findManager comes before anything is started that could inherit the manager's
// variables.
func (d *Daemon) findManager() {
	manager, err := notify.Find()
	if err != nil {
		d.log.Slog().Warn(err.Error())
	}
	d.telling = &telling{daemon: d, manager: manager}
}

// cannot tells why we do not start, and returns it.
func (t *telling) cannot(err error) error {
	t.manager.Status("cannot run: " + err.Error())
	return err
}
