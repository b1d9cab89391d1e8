package e2e

// Five workers of every kind behind one socket and a real nginx: all of them
// answer, bodies survive in both directions, killing each of them in turn under
// load fails no connection, and restarts and reloads under load lose no request.
// Not covered: other web servers in front, keep-alive connections to the workers,
// TCP.

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// kind is a sort of FastCGI program.
type kind struct {
	name        string
	command     func() []string
	environment string // TOML
	script      string // in the folder of the workers, for kinds that run files
	atOnce      int    // requests one worker may hold at a time; all are lost with it
	shy         bool   // a connection that closes without a request ends a worker
}

// clients is how many ask at a time in these tests.
const clients = 8

func kinds() []kind {
	own := func(argv ...string) func() []string {
		return func() []string {
			return append(slices.Clone(argv[:len(argv)-1]), filepath.Join(workers, argv[len(argv)-1]))
		}
	}
	all := []kind{
		{name: "c", command: own("worker-c"), atOnce: 1},
		// PHP ends after 500 requests unless told not to.
		{name: "php", command: func() []string { return []string{"/usr/bin/php-cgi"} }, environment: `PHP_FCGI_MAX_REQUESTS = "0"`, script: "worker.php", atOnce: 1},
		{name: "perl", command: own("/usr/bin/perl", "worker.pl"), atOnce: 1},
		{name: "ruby", command: own("/usr/bin/ruby", "worker.rb"), atOnce: 1, shy: true},
		{name: "go", command: own("worker-go"), atOnce: clients},
		{name: "fcgiwrap", command: func() []string { return []string{"/usr/sbin/fcgiwrap"} }, script: "worker.cgi", atOnce: 1},
		// Where nodejs is not Debian's it does not look in Debian's folder.
		{name: "node", command: own("/usr/bin/node", "worker.js"), environment: `NODE_PATH = "/usr/share/nodejs"`, atOnce: clients},
		{name: "flask-uwsgi", command: func() []string {
			return []string{"/usr/bin/uwsgi-core", "--plugin", "python3", "--protocol", "fastcgi", "--module", "app", "--buffer-size", "32768", "--disable-logging"}
		}, atOnce: 1},
	}
	// flup is not in Debian 12: where somebody installed it, it has to work.
	if exec.Command("/usr/bin/python3", "-c", "import flup.server.fcgi").Run() == nil {
		all = append(all, kind{name: "flask-flup", command: own("/usr/bin/python3", "flup_app.py"), atOnce: clients})
	}
	return all
}

func TestKinds(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, pool{command: k.command(), keys: "environment = { " + k.environment + " }"})
			f := nginx(t, "unix:"+s.socket, filepath.Join(workers, k.script))
			allAnswer(t, s, f, 2*clients)
			bodiesSurvive(t, f)
			killEachUnderLoad(t, s, f, k)
			restartUnderLoad(t, s, f, k)
			reloadsUnderLoad(t, s, f, k)
			crashUnderLoad(t, s, f, k)
		})
	}
}

// allAnswer asks, several requests at once, until every worker of status has been
// seen, and no other.
func allAnswer(t *testing.T, s *supervisor, f *front, atOnce int) {
	t.Helper()
	want := slices.Sorted(maps.Values(s.mustStatus().ready()))
	seen := map[int]bool{}
	eventually(t, func() error {
		for pid := range askAtOnce(f, atOnce) {
			seen[pid] = true
		}
		if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
			return fmt.Errorf("pids %v answered, status has %v", got, want)
		}
		return nil
	})
}

// askAtOnce tells which pids answered; 0 stands for a failed request.
func askAtOnce(f *front, requests int) map[int]bool {
	pids := make([]int, requests)
	var done sync.WaitGroup
	for i := range pids {
		done.Go(func() {
			if a, err := f.request(http.MethodGet, "/sleep?ms=20", nil); err == nil {
				pids[i] = a.pid
			}
		})
	}
	done.Wait()
	seen := map[int]bool{}
	for _, pid := range pids {
		seen[pid] = true
	}
	return seen
}

func bodiesSurvive(t *testing.T, f *front) {
	t.Helper()
	if a := f.must(http.MethodGet, "/pid", nil); string(a.body) != fmt.Sprint(a.pid) {
		t.Errorf("GET /pid: body %.100q from pid %d", a.body, a.pid)
	}
	binary := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{})
	random.Read(binary)
	if a := f.must(http.MethodPost, "/mirror", binary); !bytes.Equal(a.body, binary) {
		t.Errorf("POST /mirror: %d bytes with sum %x, want %d with %x", len(a.body), sha256.Sum256(a.body), len(binary), sha256.Sum256(binary))
	}
	const size = 10 << 20
	want := make([]byte, size)
	for i := range want {
		want[i] = byte(i)
	}
	if a := f.must(http.MethodGet, fmt.Sprintf("/bytes?n=%d", size), nil); !bytes.Equal(a.body, want) {
		t.Errorf("GET /bytes: %d bytes with sum %x, want %d with %x", len(a.body), sha256.Sum256(a.body), size, sha256.Sum256(want))
	}
}

// load is startLoad with connections beside it, where the kind bears them.
func (k kind) load(t *testing.T, s *supervisor, f *front, clients int) *load {
	l := startLoad(t, f, clients)
	if !k.shy {
		l.alsoConnect(s.socket)
	}
	return l
}

func killEachUnderLoad(t *testing.T, s *supervisor, f *front, k kind) {
	t.Helper()
	before := s.mustStatus()
	open, err := descriptorsOf(s.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	l := k.load(t, s, f, clients)
	for slot, pid := range before.ready() {
		l.waitAnswered(clients)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatalf("kill worker %d, pid %d: %v", slot, pid, err)
		}
		s.waitFor(func(p poolJSON) error { return replaced(p, slot, pid) })
	}
	l.waitAnswered(clients)
	l.verdict(f, len(before.Workers)*k.atOnce)

	// One may be missing: the server may not yet have closed the connection of
	// the last question before. Five kills leak five, and more than the four
	// descriptors through which output is copied, which are opened once.
	eventually(t, func() error {
		now, err := descriptorsOf(s.cmd.Process.Pid)
		for target, n := range now {
			if n > open[target] && (target != "pipe" || n > open[target]+4) {
				err = fmt.Errorf("the supervisor's descriptors were %v, are %v", open, now)
			}
		}
		return err
	})
}

// replaced wants the pool whole again, a new worker in the slot, and the reason.
func replaced(p poolJSON, slot, old int) error {
	if err := running(p); err != nil {
		return err
	}
	w, _ := p.worker(slot)
	switch {
	case w.PID == old:
		return fmt.Errorf("pid %d still in slot %d", old, slot)
	case w.Restarts != 1:
		return fmt.Errorf("slot %d counts %d restarts, want 1", slot, w.Restarts)
	case w.LastExit == nil || !strings.HasPrefix(w.LastExit.Text, "killed by SIGKILL after"):
		return fmt.Errorf("last exit of slot %d: %+v, want killed by SIGKILL", slot, w.LastExit)
	}
	return nil
}

// restartUnderLoad wants all workers replaced and every request answered, also
// by kinds that drop what they are doing when SIGTERM arrives: Go, Ruby, uWSGI,
// Node and fcgiwrap do.
func restartUnderLoad(t *testing.T, s *supervisor, f *front, k kind) {
	t.Helper()
	before := s.mustStatus()
	l := k.load(t, s, f, clients/2)
	l.waitAnswered(clients)
	s.mustCommand("restart", s.pool)
	l.waitAnswered(clients)
	l.verdict(f, 0)
	after := s.mustStatus()
	if err := running(after); err != nil {
		t.Error(err)
	}
	allNew(t, before, after)
}

// reloadsUnderLoad swaps generations one after the other under twice as many
// clients as a restart gets: no worker is asked to cooperate.
func reloadsUnderLoad(t *testing.T, s *supervisor, f *front, k kind) {
	t.Helper()
	before := s.mustStatus()
	l := k.load(t, s, f, clients)
	l.waitAnswered(clients)
	for range 5 {
		s.mustCommand("reload", s.pool)
	}
	l.waitAnswered(clients)
	l.verdict(f, 0)
	eventually(t, func() error { // the old generations have finished and gone
		after := s.mustStatus()
		if len(after.Workers) != after.Wanted {
			return fmt.Errorf("%d workers where %d are wanted", len(after.Workers), after.Wanted)
		}
		return nil
	})
	after := s.mustStatus()
	if err := running(after); err != nil {
		t.Error(err)
	}
	allNew(t, before, after)
	if after.Generation != before.Generation+5 {
		t.Errorf("generation was %d, is %d after five reloads", before.Generation, after.Generation)
	}
}
