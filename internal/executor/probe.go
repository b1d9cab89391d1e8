package executor

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

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

// place is where a socket can be connected to: under the name that it has now,
// which for a candidate is its private one.
type place struct {
	network, address string
	admit            func(netip.AddrPort) error // sends a connection from there to a hidden socket, and no other; nil: clients reach it
	err              error                      // it is not known where
}

// placeOf is asked by who may change the socket; others may use what it returns.
func placeOf(socket *listen.Socket) place {
	if path := socket.Path(); path != "" {
		return place{network: "unix", address: path}
	}
	network, address, err := boundTo(socket)
	return place{network: network, address: address, err: err}
}

func (p place) dial(ctx context.Context) (net.Conn, error) {
	if p.err != nil {
		return nil, p.err
	}
	if p.admit != nil {
		return p.dialHidden(ctx)
	}
	if p.network != "unix" || !filepath.IsAbs(p.address) {
		return fastcgi.Dial(ctx, p.network, p.address)
	}
	// By a descriptor of its folder: a private name may be longer than connect(2)
	// takes.
	folder, err := unix.Open(filepath.Dir(p.address), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", p.address, err)
	}
	defer unix.Close(folder)
	return fastcgi.Dial(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", folder, filepath.Base(p.address)))
}

// dialHidden connects to a socket that shares its address with the one that clients
// reach: from an address that the kernel has been told of, before it sees the first
// packet.
func (p place) dialHidden(ctx context.Context) (net.Conn, error) {
	to, err := netip.ParseAddrPort(p.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.admit(netip.AddrPort{}) }() // a connection that is made stays
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			var from netip.AddrPort
			if from, failed = listen.BindTo(int(fd), to.Addr()); failed == nil {
				failed = p.admit(from)
			}
		})
		return cmp.Or(err, failed)
	}}
	conn, err := dialer.DialContext(ctx, p.network, p.address)
	if err != nil {
		return nil, fmt.Errorf("connect to the new workers on %s: %w", p.address, err)
	}
	return conn, nil
}

// boundTo is where a socket without a name of ours listens: it may have been
// handed to us.
func boundTo(socket *listen.Socket) (network, address string, err error) {
	name, err := unix.Getsockname(socket.FD())
	if err != nil {
		return "", "", fmt.Errorf("find the address of the socket: %w", err)
	}
	switch name := name.(type) {
	case *unix.SockaddrUnix:
		return "unix", name.Name, nil
	case *unix.SockaddrInet4:
		return "tcp", local(net.IP(name.Addr[:]), "127.0.0.1", name.Port), nil
	case *unix.SockaddrInet6:
		return "tcp", local(net.IP(name.Addr[:]), "::1", name.Port), nil
	}
	return "", "", fmt.Errorf("the socket has an address of an unknown kind, %T", name)
}

// local turns "every address" into one that can be connected to.
func local(ip net.IP, loopback string, port int) string {
	host := ip.String()
	if ip.IsUnspecified() {
		host = loopback
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
