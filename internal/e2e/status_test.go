package e2e

// What the supervisor says of itself over its control socket, which serves the
// same JSON as `status --output json`. Not covered: the text form, see
// commands_test.go.

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

type statusJSON struct {
	Supervisor struct {
		PID       int       `json:"pid"`
		Version   string    `json:"version"`
		StartedAt time.Time `json:"started_at"`
	} `json:"supervisor"`
	Pools []poolJSON `json:"pools"`
}

type poolJSON struct {
	Name         string     `json:"name"`
	State        string     `json:"state"`
	Listen       string     `json:"listen"`
	Wanted       int        `json:"wanted"`
	Generation   int        `json:"generation"`
	Healthy      bool       `json:"healthy"`
	LastProbe    *probeJSON `json:"last_probe"`
	Queue        *int       `json:"queue"`
	Backlog      *int       `json:"backlog"`
	Connections  *int       `json:"connections"`
	BackoffUntil *time.Time `json:"backoff_until"`
	Starts       int        `json:"starts"`
	LastReload   *struct {
		Trigger string  `json:"trigger"`
		Result  *string `json:"result"`
	} `json:"last_reload"`
	Workers []workerJSON `json:"workers"`
}

type probeJSON struct {
	At        time.Time `json:"at"`
	Saturated bool      `json:"saturated"`
}

type workerJSON struct {
	Slot       int        `json:"slot"`
	PID        int        `json:"pid"`
	Generation int        `json:"generation"`
	Phase      string     `json:"phase"`
	Busy       *bool      `json:"busy"`
	Restarts   int        `json:"restarts"`
	RSSBytes   *int       `json:"rss_bytes"`
	FDs        *int       `json:"fds"`
	StartedAt  *time.Time `json:"started_at"`
	LastExit   *struct {
		Reason string   `json:"reason"`
		Text   string   `json:"text"`
		Output []string `json:"output"`
	} `json:"last_exit"`
}

// rawStatus asks the control socket.
func (s *supervisor) rawStatus() ([]byte, error) {
	return s.get("/api/v1/pools")
}

func (s *supervisor) get(path string) ([]byte, error) {
	client := unixClient(s.control())
	response, err := client.Get("http://control" + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return body, err
}

// unixClient speaks HTTP over a Unix socket, a fresh connection a request.
func unixClient(path string) *http.Client {
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		},
	}
}

// poolStatus is the pool of the test; there may be others.
func (s *supervisor) poolStatus() (poolJSON, error) {
	text, err := s.rawStatus()
	if err != nil {
		return poolJSON{}, err
	}
	var status statusJSON
	if err := json.Unmarshal(text, &status); err != nil {
		return poolJSON{}, fmt.Errorf("%v in %s", err, text)
	}
	for _, p := range status.Pools {
		if p.Name == s.pool {
			return p, nil
		}
	}
	return poolJSON{}, fmt.Errorf("no pool %s: %s", s.pool, text)
}

// mustStatus is poolStatus of a supervisor that has to answer.
func (s *supervisor) mustStatus() poolJSON {
	s.t.Helper()
	p, err := s.poolStatus()
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// waitFor asks until the pool is as the condition wants it.
func (s *supervisor) waitFor(condition func(poolJSON) error) {
	s.t.Helper()
	eventually(s.t, func() error {
		select {
		case <-s.ended:
			s.t.Fatalf("the supervisor ended by itself: %v", s.cmd.ProcessState)
		default:
		}
		p, err := s.poolStatus()
		if err != nil {
			return err
		}
		return condition(p)
	})
}

func (s *supervisor) waitRunning() {
	s.t.Helper()
	s.waitFor(running)
}

// running wants every worker that is wanted ready, and nothing else.
func running(p poolJSON) error {
	if ready := p.ready(); p.State != "running" || len(ready) != p.Wanted || len(p.Workers) != p.Wanted {
		return fmt.Errorf("pool is %s with %d of %d workers ready: %+v", p.State, len(ready), p.Wanted, p.Workers)
	}
	return nil
}

// ready maps slots to the pids of ready workers.
func (p poolJSON) ready() map[int]int {
	pids := map[int]int{}
	for _, w := range p.Workers {
		if w.Phase == "ready" {
			pids[w.Slot] = w.PID
		}
	}
	return pids
}

// worker finds the worker in a slot.
func (p poolJSON) worker(slot int) (workerJSON, bool) {
	for _, w := range p.Workers {
		if w.Slot == slot {
			return w, true
		}
	}
	return workerJSON{}, false
}
