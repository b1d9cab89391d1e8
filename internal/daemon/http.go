package daemon

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/web"
	"fcgi-supervisor/metrics"
	"fcgi-supervisor/supervisor"
)

// httpServer is who answers at [http]. It is opened before anybody
// can ask, moved and closed with changing held.
type httpServer struct {
	backend web.Backend
	config  config.HTTP
	server  *web.Server // nil: nobody listens
}

// tellers puts together who answers questions: the control socket and, if it is
// configured, [http].
func (d *Daemon) tellers() *http.Server {
	look := supervisor.NewSight(d.supervisor, d.executor, d.keeper.sync, d.history.Seen).Look
	b := &control.Backend{Supervisor: d.supervisor, Look: look, Output: d.executor.Output, Upgrade: d.Upgrade, Reload: d.Reload, Reread: d.Reread, UpgradedAt: d.upgradedAt,
		Version: d.options.Version, ConfigPath: d.configPath(), StartedAt: d.startedAt, Log: d.log.Slog()}
	d.accepted.Store(&metrics.ConfigState{OK: true, AcceptedAt: d.startedAt})
	source := metrics.Source{Look: look, OwnLost: d.ownLost, Version: d.options.Version,
		Config: func() metrics.ConfigState { return *d.accepted.Load() }}
	d.http.backend = web.Backend{Supervisor: d.supervisor, Status: b.Status, History: d.history,
		Metrics: metrics.NewHandler(source, d.log.Slog())}
	b.Public = web.Routes(d.http.backend)
	return control.NewServer(b)
}

// configPath is absolute: who asks may be in another folder.
func (d *Daemon) configPath() string {
	path := d.config().Path
	if absolute, err := filepath.Abs(path); err == nil && path != "" {
		return absolute
	}
	return path
}

// listenHTTP begins to answer where c says. That this is not possible keeps no pool
// down: clients matter more than those who watch.
func (d *Daemon) listenHTTP(c config.HTTP) {
	d.http.config = c
	if c.Listen.Kind == "" {
		return
	}
	server, err := web.Open(c, d.http.backend, d.log.Slog())
	if err != nil {
		d.log.Slog().Error("cannot answer HTTP, the pools run all the same; it is tried again when the configuration is read again (SIGHUP)",
			"address", c.Listen.String(), "err", err)
		return
	}
	d.http.server = server
}

// moveHTTP takes a changed configuration; what could not be opened is tried again.
func (d *Daemon) moveHTTP(next config.HTTP) {
	if d.http.server != nil && d.http.config.Same(next) {
		return
	}
	d.closeHTTP()
	d.listenHTTP(next)
}

func (d *Daemon) closeHTTP() {
	if d.http.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushGrace)
	defer cancel()
	d.http.server.Close(ctx)
	d.http.server = nil
}

// noteConfig keeps what became of reading the configuration, for the metrics.
func (d *Daemon) noteConfig(ok bool) {
	state := metrics.ConfigState{OK: ok, AcceptedAt: d.accepted.Load().AcceptedAt}
	if ok {
		state.AcceptedAt = time.Now()
	}
	d.accepted.Store(&state)
}
