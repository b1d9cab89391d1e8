package executor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/fastcgi"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
)

// beginProbe finds out what is to be asked where, and has it asked.
func (e *Executor) beginProbe(c *crew, o supervisor.Probe) {
	socket := c.on[o.Generation]
	if socket == nil {
		socket = c.socket.Load()
	}
	cfg := c.cfg.Probe
	if b := c.births[o.Generation]; b != nil {
		cfg = b.cfg.Probe
	}
	at := placeOf(socket)
	if socket.Hidden() {
		at.admit = func(from netip.AddrPort) (err error) {
			e.wait(func() {
				if socket.FD() >= 0 { // else it was given up
					err = socket.Admit(from)
				}
			})
			return err
		}
	}
	go e.probe(socket, at, cfg, o)
}

// probe sends one complete real request to a socket, as a client would: nothing
// else may be sent unasked to a FastCGI worker (DESIGN, trap 8). It ends when it
// is answered or the probe's time is up.
func (e *Executor) probe(socket *listen.Socket, at place, p config.Probe, o supervisor.Probe) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), p.Timeout)
	defer cancel()
	awaitAccept(ctx, socket)
	err := ctx.Err()
	if err == nil {
		err = ask(ctx, at, p)
	}
	fact := supervisor.Probed{Pool: o.Pool, Generation: o.Generation, At: time.Now(), Took: time.Since(begin), Err: err}
	if ctx.Err() != nil {
		// No answer in time: to nobody, or to us because others were before us? Our own
		// connection is closed by now. (Nobody is before us at a hidden socket.)
		clients, look := socket.Waiting()
		fact.Saturated = look == nil && clients > 0 && at.admit == nil
		fact.Err = fmt.Errorf("no answer to %s within %s", p.Path, p.Timeout)
	}
	e.report(fact)
}

// awaitAccept returns when an earlier probe is no longer in the queue, which the
// kernel leaves there when we give up: one that nobody accepts says all that a
// hundred would.
func awaitAccept(ctx context.Context, socket *listen.Socket) {
	for pause := firstLook; ctx.Err() == nil; pause = min(2*pause, lastLook) {
		queue, _, err := socket.Queue()
		if err != nil || queue == 0 {
			return
		}
		if clients, err := socket.Waiting(); err != nil || clients > 0 {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func ask(ctx context.Context, at place, p config.Probe) error {
	conn, err := at.dial(ctx)
	if err != nil {
		return err
	}
	params, err := fastcgi.BaseParams(fastcgi.Target{URI: p.Path, Host: "localhost", RemoteAddress: "127.0.0.1",
		Header: http.Header{"User-Agent": {"fcgi-supervisor probe"}}, ContentLength: -1})
	if err != nil {
		conn.Close()
		return err
	}
	for name, value := range p.Params {
		params = fastcgi.Set(params, fastcgi.Param{Name: name, Value: value})
	}
	response, err := fastcgi.Do(ctx, conn, &fastcgi.Request{Params: params})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.Status < 200 || response.Status >= 400 {
		return fmt.Errorf("%s was answered with status %d", p.Path, response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
