package e2e

// Health, metrics and the page where nothing else works, and their figures against
// what is known to be so. Not covered: workers with threads of their own kind of
// waiting (Node), namespaces.

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// freePort is a port that nobody had a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// page asks what answers on a socket, and how long that takes.
func page(path, url string) (status int, text string, took time.Duration, err error) {
	begin := time.Now()
	answer, err := unixClient(path).Get("http://supervisor" + url)
	if err != nil {
		return 0, "", 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), time.Since(begin), err
}

// figure is the value of one series in a scrape.
func figure(text, series string) (float64, error) {
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta("fcgi_supervisor_"+series) + ` (\S+)$`).FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no series %s", series)
	}
	return strconv.ParseFloat(found[1], 64)
}

// requests asks k times at once for something that takes long, until end or the end
// of the test.
func (s *supervisor) requests(k int, address string) (end func()) {
	s.t.Helper()
	var commands []*exec.Cmd
	for range k {
		cmd := exec.Command(binary, "request", address, "/sleep?ms=120000")
		if err := cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		commands = append(commands, cmd)
	}
	end = sync.OnceFunc(func() {
		for _, cmd := range commands {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	s.t.Cleanup(end)
	return end
}

// connects makes k connections that say nothing.
func (s *supervisor) connects(k int, network, address string) {
	s.t.Helper()
	for range k {
		c, err := net.DialTimeout(network, address, patience)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { c.Close() })
	}
}

// TestAllHang: three requests are in flight, all workers are stopped, clients fill
// the queue; whoever asks is told so, at once.
func TestAllHang(t *testing.T) {
	const waiting = 4
	for name, c := range map[string]struct {
		worker, network string
		blocking        bool // holds one connection at a time
	}{
		"blocking, unix": {"worker-c", "unix", true},
		"blocking, tcp":  {"worker-c", "tcp", true},
		"epoll, unix":    {"worker-go", "unix", false},
		"epoll, tcp":     {"worker-go", "tcp", false},
	} {
		t.Run(name, func(t *testing.T) {
			listen, address := "", freePort(t)
			if c.network == "tcp" {
				listen = "tcp:" + address
			}
			p := pool{command: []string{filepath.Join(workers, c.worker)}, processes: 3, listen: listen,
				keys: "stop_timeout = \"1s\"\nlisten_backlog = 4"}
			s := prepare(t, p)
			web := filepath.Join(s.folder, "web.sock")
			p.tables = fmt.Sprintf("[http]\nlisten = \"unix:%s\"\n", web)
			s.configure(p)
			s.run(binary, "run", "--config", s.config())
			s.waitRunning()
			if c.network == "unix" {
				listen, address = "unix:"+s.socket, s.socket
			}
			s.requests(3, listen)
			s.waitFor(func(p poolJSON) error {
				if p.Connections == nil || *p.Connections != 3 {
					return fmt.Errorf("%v connections, want 3", p.Connections)
				}
				return nil
			})
			for _, pid := range s.mustStatus().ready() {
				_ = syscall.Kill(pid, syscall.SIGSTOP)
				t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
				eventually(t, func() error { return asleep(pid) })
			}
			s.connects(waiting, c.network, address)
			s.mustTell(web, c.blocking, waiting)
		})
	}
}

// asleep: all threads of the process are stopped.
func asleep(pid int) error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return err
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if _, rest, _ := strings.Cut(string(text), ") "); err != nil || !strings.HasPrefix(rest, "T") {
			return fmt.Errorf("%s: %.30s (%v)", path, text, err)
		}
	}
	return nil
}

// mustTell asks for everything there is and wants the truth, quickly.
func (s *supervisor) mustTell(web string, blocking bool, waiting float64) {
	s.t.Helper()
	limit := 100 * time.Millisecond
	if raceDetector {
		limit *= 10
	}
	for url, want := range map[string]struct {
		status int
		text   string
	}{
		"/livez":        {200, "ok"},
		"/readyz":       {200, "ok"}, // ready they are: they were, and nothing has failed
		"/metrics":      {200, "fcgi_supervisor_pool_listen_queue"},
		"/api/v1/pools": {200, `"queue":4`},
		"/":             {200, "<dt>queue</dt><dd>4"},
	} {
		for _, socket := range []string{web, s.control()} {
			status, text, took, err := page(socket, url)
			if err != nil || status != want.status || !strings.Contains(text, want.text) {
				s.t.Errorf("%s: %d, %v, want %q in %s", url, status, err, want.text, text)
			}
			for tries := 1; took > limit && tries < 5; tries++ { // others use this machine too
				_, _, took, _ = page(socket, url)
			}
			if took > limit {
				s.t.Errorf("%s took %v", url, took)
			}
		}
	}
	_, text, _, err := page(web, "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	for series, want := range map[string]float64{"pool_listen_queue": waiting, "pool_connections": 3, "pool_up": 1} {
		if got, err := figure(text, series+`{pool="`+s.pool+`"}`); err != nil || got != want {
			s.t.Errorf("%s is %g (%v), want %g", series, got, err, want)
		}
	}
	busy, err := figure(text, `pool_workers{pool="`+s.pool+`",state="busy"}`)
	if err != nil || blocking && busy != 3 || busy < 1 || busy > 3 {
		s.t.Errorf("%g busy (%v), want 3 of workers that block, else from 1 to 3", busy, err)
	}
	if blocking {
		if _, text, _, _ := page(web, "/"); !strings.Contains(text, "all 3 workers busy, and 4 more connections wait") {
			s.t.Error("the page does not say that the pool is saturated")
		}
	}
}

// TestHTTPMovesWithTheConfiguration: SIGHUP opens, moves and closes the listener,
// and what is wrong with it keeps no pool down.
func TestHTTPMovesWithTheConfiguration(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := pool{command: []string{filepath.Join(workers, "worker-c")}, processes: 1}
	s := prepare(t, p)
	at := func(address string) {
		p.tables = ""
		if address != "" {
			p.tables = fmt.Sprintf("[http]\nlisten = %q\n", address)
		}
		s.configure(p)
	}
	at(taken.Addr().String())
	s.run(binary, "run", "--config", s.config())
	s.waitRunning() // though its port is taken
	free := freePort(t)
	answers := func(address string) error {
		answer, err := http.Get("http://" + address + "/livez")
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != 200 {
			return fmt.Errorf("status %d", answer.StatusCode)
		}
		return nil
	}
	defer http.DefaultClient.CloseIdleConnections()
	at(free)
	s.signal(syscall.SIGHUP)
	eventually(t, func() error { return answers(free) })
	second := freePort(t)
	at(second)
	s.signal(syscall.SIGHUP)
	eventually(t, func() error { return answers(second) })
	if err := answers(free); err == nil {
		t.Error("it still answers at the old address")
	}
	at("")
	s.signal(syscall.SIGHUP)
	eventually(t, func() error {
		if answers(second) == nil {
			return fmt.Errorf("it still answers, though [http] is gone")
		}
		return nil
	})
	s.waitRunning()
}

func (s *supervisor) signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }
