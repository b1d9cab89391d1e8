package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// maxConnections is how many clients may be connected: some ten times what a
// monitoring system, a load balancer and a few people with the page open need. A
// connection costs some 20 KiB.
const maxConnections = 256

// maxRequests is how many requests may be answered at once, on however many
// connections: HTTP/2 has many on one.
const maxRequests = 128

// doorman bounds connections. When the house is full, who came first and is not
// being served goes: clients that only hold connections, or send their requests a
// byte at a time, push out each other and not those who ask for something.
type doorman struct {
	limit int
	busy  chan struct{} // has as many elements as requests are being answered

	// A mutex because connections come and go in goroutines of net/http.
	mu     sync.Mutex
	last   uint64
	guests map[net.Conn]*guest
}

// guest is a connection.
type guest struct {
	number  uint64 // counts up
	serving int    // requests that a handler has
}

type guestKey struct{}

func newDoorman(connections, requests int) *doorman {
	return &doorman{limit: connections, busy: make(chan struct{}, requests), guests: map[net.Conn]*guest{}}
}

// watch has the server tell of connections.
func (d *doorman) watch(s *http.Server) {
	s.ConnContext = d.admit
	s.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked {
			d.mu.Lock()
			delete(d.guests, c)
			d.mu.Unlock()
		}
	}
}

// admit lets a connection in, for which another one may have to go.
func (d *doorman) admit(ctx context.Context, c net.Conn) context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.guests) >= d.limit {
		if oldest := d.idlest(); oldest != nil {
			delete(d.guests, oldest)
			hangUp(oldest)
		} else {
			hangUp(c) // its own goroutine finds that out at once
		}
	}
	d.last++
	g := &guest{number: d.last}
	d.guests[c] = g
	return context.WithValue(ctx, guestKey{}, g)
}

// idlest is the oldest connection on which no request is being answered.
func (d *doorman) idlest() net.Conn {
	var oldest net.Conn
	for c, g := range d.guests {
		if g.serving == 0 && (oldest == nil || g.number < d.guests[oldest].number) {
			oldest = c
		}
	}
	return oldest
}

// hangUp closes a connection without the farewell of TLS, for which the other end
// would have to read.
func hangUp(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close()
}

// guard has h answer at most so many requests at once, and keeps the connections
// of those from being closed.
func (d *doorman) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case d.busy <- struct{}{}:
			defer func() { <-d.busy }()
		default:
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusServiceUnavailable, "too many requests at once\n")
			return
		}
		if g, ok := r.Context().Value(guestKey{}).(*guest); ok {
			d.serve(g, 1)
			defer d.serve(g, -1)
		}
		h.ServeHTTP(w, r)
	})
}

func (d *doorman) serve(g *guest, more int) {
	d.mu.Lock()
	g.serving += more
	d.mu.Unlock()
}
