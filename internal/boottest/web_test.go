package boottest

// The nginx of a machine, asked from outside. Not covered: nothing is tested here.

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// web is the machine's nginx since its last boot.
type web struct{ client *http.Client }

func (m *machine) web() *web {
	m.t.Helper()
	socket := m.path("/run/http.sock")
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	return &web{&http.Client{Transport: transport, Timeout: patience}}
}

var pidSaid = regexp.MustCompile(`^pid ([0-9]+)\n$`)

// ask returns the pid of the worker that has answered.
func (w *web) ask(path string) (int, error) {
	response, err := w.client.Get("http://machine" + path)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	said := pidSaid.FindStringSubmatch(string(body))
	if response.StatusCode != http.StatusOK || said == nil {
		return 0, fmt.Errorf("status %d: %.200s", response.StatusCode, body)
	}
	return strconv.Atoi(said[1])
}

// answers waits for nothing: after a boot the first request must succeed.
func (m *machine) answers(path string) {
	m.t.Helper()
	if _, err := m.web().ask(path); err != nil {
		m.t.Errorf("GET %s: %v%s", path, err, m.logs())
	}
}

// load asks without pause until it is judged.
type load struct {
	t      *testing.T
	cancel context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex // many clients write at once
	good   int
	bad    []error
}

func (m *machine) load(path string) *load {
	m.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{t: m.t, cancel: cancel}
	w := m.web()
	for range 4 {
		l.done.Go(func() {
			for ctx.Err() == nil {
				_, err := w.ask(path)
				l.mu.Lock()
				if err == nil {
					l.good++
				} else {
					l.bad = append(l.bad, err)
				}
				l.mu.Unlock()
			}
		})
	}
	m.t.Cleanup(l.halt)
	l.more(20)
	return l
}

// more waits until so many more requests have been answered.
func (l *load) more(n int) {
	l.t.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.good
	}
	target := count() + n
	eventually(l.t, func() error {
		if now := count(); now < target {
			return fmt.Errorf("%d requests answered, want %d", now, target)
		}
		return nil
	})
}

func (l *load) halt() {
	l.cancel()
	l.done.Wait()
}

// verdict: not one request has failed.
func (l *load) verdict() {
	l.t.Helper()
	l.more(20)
	l.halt()
	l.t.Logf("%d requests answered, %d failed", l.good, len(l.bad))
	if len(l.bad) > 0 {
		texts := map[string]int{}
		for _, err := range l.bad {
			texts[strings.TrimSpace(err.Error())]++
		}
		l.t.Errorf("%d of %d requests failed: %v", len(l.bad), len(l.bad)+l.good, texts)
	}
}
