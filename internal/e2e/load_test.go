package e2e

// Clients that ask without pause, and what became of their requests. Not
// covered: throughput, which `make bench` measures.

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// load is a number of clients at work.
type load struct {
	t    *testing.T
	stop chan struct{}
	done sync.WaitGroup

	// The mutex guards counters that many clients write at once.
	mu       sync.Mutex
	answered int
	dropped  int     // the worker that had the request ended
	refused  []error // everything else; there must be none
}

// startLoad sets clients to work through the front.
func startLoad(t *testing.T, f *front, clients int) *load {
	l := &load{t: t, stop: make(chan struct{})}
	for range clients {
		l.done.Go(func() { l.client(f) })
	}
	t.Cleanup(l.halt)
	return l
}

// alsoConnect adds a client that does nothing but connect to the pool's socket,
// without a web server between: it must succeed whatever happens to workers.
func (l *load) alsoConnect(socket string) {
	l.done.Go(func() { l.dialer(socket) })
}

// client ends when the load is halted. Its requests take long rather than much:
// workers must be busy and still leave the processors to those that start.
func (l *load) client(f *front) {
	for !l.halted() {
		a, err := f.request(http.MethodGet, "/sleep?ms=20", nil)
		l.mu.Lock()
		switch {
		case err == nil && a.status == http.StatusOK && string(a.body) == "slept":
			l.answered++
		case lostItsWorker(a, err):
			l.dropped++
		default:
			l.refused = append(l.refused, fmt.Errorf("status %d, %.100q, %v", a.status, a.body, err))
		}
		l.mu.Unlock()
	}
}

// lostItsWorker tells whether a request failed as it does when a worker ends with
// it: 502 before the head, an answer cut short after it, which nginx passes on as
// if it were whole because workers announce no length.
func lostItsWorker(a answer, err error) bool {
	if err != nil {
		return errors.Is(err, io.ErrUnexpectedEOF)
	}
	return a.status == http.StatusBadGateway || a.status == http.StatusOK && strings.HasPrefix("slept", string(a.body))
}

// dialer ends when the load is halted.
func (l *load) dialer(socket string) {
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for !l.halted() {
		if err := connect(socket); err != nil {
			l.mu.Lock()
			l.refused = append(l.refused, err)
			l.mu.Unlock()
		}
		<-pace.C
	}
}

func (l *load) halted() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// halt ends the clients after their present request; more than once is all right.
func (l *load) halt() {
	if !l.halted() {
		close(l.stop)
	}
	l.done.Wait()
}

// waitAnswered waits until n more requests have been answered.
func (l *load) waitAnswered(n int) {
	l.t.Helper()
	target := l.count() + n
	eventually(l.t, func() error {
		if now := l.count(); now < target {
			return fmt.Errorf("%d requests answered, want %d", now, target)
		}
		return nil
	})
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered
}

// verdict halts the clients and judges: at most so many requests dropped, and
// not one connection refused, as the clients and as nginx saw it.
func (l *load) verdict(f *front, mostDropped int) {
	l.t.Helper()
	l.halt()
	l.t.Logf("%d requests answered, %d dropped with their worker", l.answered, l.dropped)
	for _, err := range l.refused {
		l.t.Errorf("failed otherwise than with its worker: %v", err)
	}
	if l.dropped > mostDropped {
		l.t.Errorf("%d requests dropped, want at most %d", l.dropped, mostDropped)
	}
	complaints, err := os.ReadFile(f.errors)
	if err != nil {
		l.t.Error(err)
	}
	if strings.Contains(string(complaints), "connect()") {
		l.t.Errorf("nginx could not connect:\n%s", complaints)
	}
}
