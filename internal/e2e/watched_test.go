package e2e

// Health, metrics and the page where nothing else works, and their figures against
// what is known to be so. Not covered: workers with threads of their own kind of
// waiting (Node), namespaces.

import (
	"cmp"
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
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// promptly is how long an answer may take that needs no worker: what the issue asks
// for, but with the race detector, beside other tests, only what no hang takes.
var promptly = func() time.Duration {
	if raceDetector {
		return 5 * time.Second
	}
	return 100 * time.Millisecond
}()

var ports atomic.Int64

// freePort is a port that nobody had a moment ago, at an address of this machine
// that nobody else uses: another test, or a connection that is being made, might be
// given it before it is taken.
func freePort(t *testing.T) string {
	t.Helper()
	pid, n := os.Getpid(), ports.Add(1)
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 64+pid>>8&63, pid&255, 1+n%254))
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
	for _, worker := range []string{"worker-c", "worker-go", "threads"} { // blocking, epoll, threads that block
		for _, network := range []string{"unix", "tcp"} {
			t.Run(worker+" "+network, func(t *testing.T) {
				t.Parallel()
				s, listen, address := startWatched(t, worker, network, 3, waiting)
				idle := s.socketsOfEach()
				s.requests(3, listen)
				s.waitFor(func(p poolJSON) error {
					if p.Connections == nil || *p.Connections != 3 {
						return fmt.Errorf("%v connections, want 3", p.Connections)
					}
					return nil
				})
				busy := 0 // of workers that take several at once it is chance who has them
				for pid, now := range s.socketsOfEach() {
					if now > idle[pid] {
						busy++
					}
				}
				if worker == "worker-c" && busy != 3 {
					t.Errorf("%d workers have 3 requests, each of which takes one alone", busy)
				}
				for _, pid := range s.mustStatus().ready() {
					_ = syscall.Kill(pid, syscall.SIGSTOP)
					t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
					eventually(t, func() error { return asleep(pid) })
				}
				s.connects(waiting, network, address)
				s.mustTell(busy, waiting)
			})
		}
	}
}

// startWatched runs a pool with [http] on a socket.
func startWatched(t *testing.T, worker, network string, processes, backlog int) (s *supervisor, listen, address string) {
	t.Helper()
	address = freePort(t)
	if network == "tcp" {
		listen = "tcp:" + address
	}
	p := pool{command: []string{filepath.Join(workers, worker)}, processes: processes, listen: listen,
		keys: fmt.Sprintf("stop_timeout = \"1s\"\nlisten_backlog = %d", backlog)}
	s = prepare(t, p)
	p.tables = fmt.Sprintf("[http]\nlisten = \"unix:%s\"\n", s.web())
	s.configure(p)
	s.run(binary, "run", "--config", s.config())
	s.waitRunning()
	if network == "unix" {
		listen, address = "unix:"+s.socket, s.socket
	}
	return s, listen, address
}

func (s *supervisor) web() string { return filepath.Join(s.folder, "web.sock") }

// socketsOfEach counts the sockets that each worker has open.
func (s *supervisor) socketsOfEach() map[int]int {
	s.t.Helper()
	found := map[int]int{}
	for _, pid := range s.mustStatus().ready() {
		open, err := descriptorsOf(pid)
		if err != nil {
			s.t.Fatal(err)
		}
		found[pid] = open["socket"]
	}
	return found
}

// TestRequestsInFlight: of six requests to one worker, those that its kind takes are
// connections, and the others wait.
func TestRequestsInFlight(t *testing.T) {
	for worker, takes := range map[string]int{"worker-c": 1, "threads": 4, "worker-go": 6} {
		for _, network := range []string{"unix", "tcp"} {
			t.Run(worker+" "+network, func(t *testing.T) {
				t.Parallel()
				s, listen, _ := startWatched(t, worker, network, 1, 64)
				figures := func(want map[string]float64) {
					t.Helper()
					eventually(t, func() error {
						_, text, _, err := page(s.web(), "/metrics")
						for series, value := range want {
							series = strings.ReplaceAll(series, "@", `pool="`+s.pool+`"`)
							got, missing := figure(text, series)
							if err = cmp.Or(err, missing); err == nil && got != value {
								err = fmt.Errorf("%s is %g, want %g", series, got, value)
							}
						}
						return err
					})
				}
				idle := map[string]float64{"pool_connections{@}": 0, "pool_listen_queue{@}": 0,
					`pool_workers{@,state="busy"}`: 0, `pool_workers{@,state="idle"}`: 1}
				figures(idle)
				s.requests(6, listen)
				figures(map[string]float64{"pool_connections{@}": float64(takes), "pool_listen_queue{@}": float64(6 - takes),
					`pool_workers{@,state="busy"}`: 1, `pool_workers{@,state="idle"}`: 0})
			})
		}
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
func (s *supervisor) mustTell(busy int, waiting float64) {
	s.t.Helper()
	const pooled = ", 4 connections in the queue, which is full"
	for url, want := range map[string]struct {
		status int
		text   string
	}{
		"/livez":          {200, "ok"},
		"/readyz":         {200, "ok"}, // ready they are: they were, and nothing has failed
		"/readyz?verbose": {200, pooled},
		"/metrics":        {200, "fcgi_supervisor_pool_listen_queue"},
		"/api/v1/pools":   {200, `"queue":4`},
		"/":               {200, "<dt>queue</dt><dd>4"},
	} {
		for _, socket := range []string{s.web(), s.control()} {
			status, text, took, err := page(socket, url)
			if err != nil || status != want.status || !strings.Contains(text, want.text) {
				s.t.Errorf("%s: %d, %v, want %q in %s", url, status, err, want.text, text)
			}
			for tries := 1; took > promptly && tries < 5; tries++ { // others use this machine too
				_, _, took, _ = page(socket, url)
			}
			if took > promptly {
				s.t.Errorf("%s took %v", url, took)
			}
		}
	}
	_, text, _, err := page(s.web(), "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	for series, want := range map[string]float64{"pool_listen_queue{@}": waiting, "pool_connections{@}": 3, "pool_up{@}": 1,
		`pool_workers{@,state="busy"}`: float64(busy), `pool_workers{@,state="idle"}`: float64(3 - busy)} {
		if got, err := figure(text, strings.ReplaceAll(series, "@", `pool="`+s.pool+`"`)); err != nil || got != want {
			s.t.Errorf("%s is %g (%v), want %g", series, got, err, want)
		}
	}
	want := "the queue is full: 4 connections that no worker has accepted"
	if busy == 3 {
		want = "all 3 workers busy, and 4 more connections wait; the queue is full"
	}
	_, shown, _, _ := page(s.web(), "/")
	for where, text := range map[string]string{"the page": shown, "status": s.mustCommand("status")} {
		if !strings.Contains(text, want) {
			s.t.Errorf("%s does not say %q:\n%s", where, want, text)
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
