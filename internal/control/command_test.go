package control_test

// Commands over a real socket, on a real loop whose workers are pretended. Not
// covered: what becomes of real processes, see internal/e2e.

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/supervisor"
)

func TestCommands(t *testing.T) {
	s := serve(t, "blog", "broken")
	s.waitRunning("blog")
	for _, c := range []struct {
		pool   string
		action supervisor.Action
		o      control.Options
		ok     bool
		says   string
	}{
		{"blog", supervisor.ActionScale, control.Options{Processes: 4}, true, "blog: 4 workers ready in "},
		{"blog", supervisor.ActionRestart, control.Options{}, true, "blog: generation 2, 4 workers ready in "},
		{"blog", supervisor.ActionRestart, control.Options{AllAtOnce: true}, true, "blog: generation 3, 4 workers ready in "},
		{"blog", supervisor.ActionStop, control.Options{Timeout: "1m"}, true, "blog: stopped in "},
		{"blog", supervisor.ActionStop, control.Options{}, true, "blog: already stopped"},
		{"broken", supervisor.ActionStart, control.Options{}, false, "exit code 3 after 1ms"},
	} {
		outcome := s.do(c.pool, c.action, c.o)
		if outcome.OK != c.ok || !strings.Contains(outcome.Text, c.says) {
			t.Errorf("%s %s: %+v, want ok %v and %q", c.action, c.pool, outcome, c.ok, c.says)
		}
		if !c.ok && fmt.Sprint(outcome.Output) != "[no such module]" {
			t.Errorf("%s %s: output %q", c.action, c.pool, outcome.Output)
		}
	}
}

func TestProgressComesBeforeTheOutcome(t *testing.T) {
	s := serve(t, "slow")
	ctx, cancel := context.WithCancel(s.context())
	defer cancel()
	var seen []string
	_, err := s.client.Do(ctx, "slow", supervisor.ActionStart, control.Options{}, func(line string) {
		seen = append(seen, line)
		cancel() // it will never be ready
	})
	if err == nil || len(seen) == 0 || seen[0] != "0 of 2 workers ready, 2 starting" {
		t.Errorf("progress %q, error %v", seen, err)
	}
}

func TestTimeout(t *testing.T) {
	s := serve(t, "slow")
	_, err := s.client.Do(s.context(), "slow", supervisor.ActionStart, control.Options{Timeout: "1ms"}, nil)
	if err == nil || !strings.Contains(err.Error(), "gave up waiting") || !strings.Contains(err.Error(), "it goes on") {
		t.Errorf("error %v, want that it goes on", err)
	}
}

func TestCommandsAtTheSameMoment(t *testing.T) {
	s := serve(t, "blog")
	s.waitRunning("blog")
	var running sync.WaitGroup
	for i := range 20 {
		running.Go(func() {
			action := supervisor.ActionScale
			if i%2 == 0 {
				action = supervisor.ActionRestart
			}
			outcome, err := s.client.Do(s.context(), "blog", action, control.Options{Processes: 1 + i}, nil)
			if err != nil || !outcome.OK {
				t.Errorf("%s: %+v, %v", action, outcome, err)
			}
		})
	}
	running.Wait()
}

func TestCommandsThatAreRefused(t *testing.T) {
	s := serve(t, "blog", "shop")
	s.waitRunning("blog")
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "pools/nope/stop", "", 404, `{"error":"unknown pool \"nope\"; there are: blog, shop","code":"unknown_pool"}`},
		{"POST", "pools/blog/explode", "", 404, `"code":"not_found"`},
		{"GET", "pools/blog/stop", "", 404, `"code":"not_found"`},
		{"DELETE", "pools/blog", "", 404, `"code":"not_found"`},
		{"POST", "pools/blog/scale", `{"processes":0}`, 400, `1 to 4096`},
		{"POST", "pools/blog/scale", ``, 400, `1 to 4096`},
		{"POST", "pools/blog/scale", `{"processes":1000000000}`, 400, `1 to 4096`},
		{"POST", "pools/blog/scale", `{"processes":"5"}`, 400, `read the body`},
		{"POST", "pools/blog/stop", `{"proceses":5}`, 400, `unknown field \"proceses\"`},
		{"POST", "pools/blog/stop", `{"timeout":"soon"}`, 400, `timeout \"soon\"`},
		{"POST", "pools/blog/stop", `{"timeout":"-1s"}`, 400, `timeout \"-1s\"`},
		{"POST", "pools/blog/stop", `{}{}`, 400, `more than one`},
		{"POST", "pools/blog/stop", `{"timeout":`, 400, `unexpected EOF`},
		{"POST", "pools/blog/stop", strings.Repeat(" ", 70<<10) + "{}", 413, `"code":"too_large"`},
		{"POST", "pools/blog/stop", "{}" + strings.Repeat(" ", 70<<10), 413, `"code":"too_large"`},
		{"POST", "pools/blog/stop", "\x00\xff", 400, `read the body`},
		{"GET", "events?lines=many", "", 400, `lines: \"many\"`},
		{"GET", "events?after=-1", "", 400, `after: \"-1\"`},
		{"GET", "logs?follow=perhaps", "", 400, `follow: \"perhaps\"`},
		{"GET", "logs?pool=nope", "", 404, `"code":"unknown_pool"`},
	} {
		status, body := s.raw(c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s %.40q: %d %s, want %d and %s", c.method, c.path, c.body, status, body, c.status, c.says)
		}
	}
	if p := s.supervisor.Snapshot().Pool("blog"); p.State != supervisor.Running || p.Processes != 2 {
		t.Errorf("a refused command had an effect: %+v", p)
	}
}

// raw makes a request that the client would not make.
func (s *site) raw(method, path, body string) (int, string) {
	s.t.Helper()
	conn, err := net.Dial("unix", s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s /api/v1/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	content, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(content)
}

func TestWhoAsked(t *testing.T) {
	s := serve(t, "blog")
	s.waitRunning("blog")
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	who := fmt.Sprintf("uid %d, pid %d (%s)", os.Geteuid(), os.Getpid(), strings.TrimSpace(string(name)))
	events, _ := s.supervisor.Events(0)
	found := false
	for _, e := range events {
		found = found || e.Kind == supervisor.KindCommand && e.Text == "start, asked by "+who
	}
	if !found {
		t.Errorf("no command by %q in %+v", who, events)
	}
	if _, err := s.client.Do(s.context(), "nope", supervisor.ActionStop, control.Options{}, nil); err == nil {
		t.Error("unknown pool: no error")
	}
	if text := s.log.String(); !strings.Contains(text, "command refused") || !strings.Contains(text, who) {
		t.Errorf("the log does not say who was refused: %s", text)
	}
}

func TestCommandWhenTheSupervisorEnds(t *testing.T) {
	s := serve(t, "slow")
	outcome, err := s.client.Do(s.context(), "slow", supervisor.ActionRestart, control.Options{}, func(string) { s.end() })
	if err == nil && outcome.OK {
		t.Errorf("%+v, though no worker was ever ready", outcome)
	}
	<-s.supervisor.Done()
	_, err = s.client.Do(s.context(), "slow", supervisor.ActionStart, control.Options{}, nil)
	if err == nil || !strings.Contains(err.Error(), supervisor.ErrEnded.Error()) {
		t.Errorf("after the end: %v", err)
	}
}

// The program is replaced just when a command comes: the connection ends before the
// answer begins, and the next one is taken.
func TestCommandThatMeetsAnUpgradeIsGivenAgain(t *testing.T) {
	s := serve(t, "blog")
	s.waitRunning("blog")
	front, err := net.Listen("unix", s.path+".front")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for first := true; ; first = false {
			conn, err := front.Accept()
			if err != nil {
				return
			}
			if first {
				conn.Close()
				continue
			}
			all.Go(func() {
				defer conn.Close()
				behind, err := net.Dial("unix", s.path)
				if err != nil {
					t.Error(err)
					return
				}
				defer behind.Close()
				all.Go(func() { _, _ = io.Copy(behind, conn); behind.Close() })
				_, _ = io.Copy(conn, behind)
			})
		}
	})
	client := control.NewClient(s.path + ".front")
	outcome, err := client.Do(s.context(), "blog", supervisor.ActionScale, control.Options{Processes: 3}, nil)
	if err != nil || !outcome.OK {
		t.Errorf("%+v, %v", outcome, err)
	}
	front.Close()
	s.shutdown()
	all.Wait()
}
