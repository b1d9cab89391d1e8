package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A whole demo in a child process, from its first line to its last trace. Not
// covered here: signals that come twice (package daemon has them).

// patience bounds every wait. It is generous because it is reached only by a
// test that fails.
const patience = 30 * time.Second

// run is a demo in a process of its own.
type run struct {
	t      *testing.T
	cmd    *exec.Cmd
	tmp    string // TMPDIR of the demo
	url    string
	status string       // of the supervisor's own page
	stderr bytes.Buffer // to be read when cmd has ended
	client *http.Client
	rest   chan struct{} // closed when all of stdout has been read
}

// prepare makes the command and starts nothing.
func prepare(t *testing.T, address string) *run {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	r := &run{t: t, tmp: t.TempDir(), cmd: exec.CommandContext(ctx, self)}
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGQUIT) } // Go prints all goroutines
	r.cmd.Env = append(os.Environ(), "TMPDIR="+r.tmp, addressVariable+"="+address)
	r.cmd.Stderr = &r.stderr
	return r
}

// start runs a demo up to the moment where it says where its page is.
func start(t *testing.T) *run {
	t.Helper()
	r := prepare(t, "127.0.0.1:0")
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := bufio.NewReader(stdout)
	for r.url == "" {
		line, err := text.ReadString('\n')
		if err != nil {
			_ = r.cmd.Wait()
			t.Fatalf("the demo did not say where its page is: %v\n%s", err, &r.stderr)
		}
		r.url = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`).FindString(line)
	}
	line, err := text.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	r.status = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`).FindString(line)
	r.rest = make(chan struct{})
	go func() { // ends with the demo
		defer close(r.rest)
		_, _ = io.Copy(io.Discard, text)
	}()
	transport := &http.Transport{}
	r.client = &http.Client{Transport: transport, Timeout: patience}
	t.Cleanup(transport.CloseIdleConnections)
	return r
}

// get is an error unless the answer is a good and whole one.
func (r *run) get(method, path string) (string, error) {
	request, err := http.NewRequest(method, r.url+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, body)
	}
	return string(body), err
}

func (r *run) who(method, path string) (who Who, err error) {
	text, err := r.get(method, path)
	if err == nil {
		err = json.Unmarshal([]byte(text), &who)
	}
	return who, err
}

// mustWho is who where nothing may fail.
func (r *run) mustWho(method, path string) Who {
	r.t.Helper()
	who, err := r.who(method, path)
	if err != nil {
		r.t.Fatal(err)
	}
	return who
}

// waitPIDs asks until all workers have answered and none of them is one of old;
// the result is their pids by slot.
func (r *run) waitPIDs(old map[int]int) map[int]int {
	r.t.Helper()
	pids := map[int]int{}
	for deadline := time.Now().Add(patience); len(pids) < Processes; {
		who := r.mustWho("GET", "/who")
		if old[who.Worker] != who.PID {
			pids[who.Worker] = who.PID
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("only %v have answered, besides %v", pids, old)
		}
	}
	return pids
}

func TestWholeRun(t *testing.T) {
	r := start(t)
	page, err := r.get("GET", "/")
	if err != nil || !regexp.MustCompile(`<h1>Worker [0-4] made this page</h1>`).MatchString(page) {
		t.Errorf("the page names no worker (%v):\n%s", err, page)
	}
	r.waitPIDs(nil)
	r.crashUnderLoad()
	r.proveStatusPage()
	pids := r.killAll(r.waitPIDs(nil))
	r.end(pids)
	said := r.stderr.String()
	for text, times := range map[string]int{
		"5 workers ready":    1, // at the start; what happens soon after may be summed up
		"exit code 1 after":  crashes,
		errCrash.Error():     crashes,
		"killed by SIGKILL ": Processes,
	} {
		if n := strings.Count(said, text); n < times {
			t.Errorf("the terminal says %q %d times, want %d", text, n, times)
		}
	}
	if t.Failed() {
		t.Logf("the terminal:\n%s", said)
	}
}

// proveStatusPage: the supervisor's own page and metrics are where the demo says, and
// tell of its pool.
func (r *run) proveStatusPage() {
	r.t.Helper()
	for path, want := range map[string]string{"/": "1 pool, all well", "/metrics": `fcgi_supervisor_pool_up{pool="demo"} 1`} {
		for deadline := time.Now().Add(patience); ; {
			text, err := r.fetch(r.status + path)
			if err == nil && strings.Contains(text, want) {
				break
			}
			if time.Now().After(deadline) {
				r.t.Errorf("%s%s does not say %q (%v):\n%s", r.status, path, want, err, text)
				break
			}
		}
	}
}

func (r *run) fetch(url string) (string, error) {
	answer, err := r.client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// crashes is how many workers crash under load.
const crashes = 10

// crashUnderLoad crashes workers while 8 clients ask without a pause: since a
// worker has one connection at a time, and crashes after its answer, no request
// may fail.
func (r *run) crashUnderLoad() {
	r.t.Helper()
	var clients sync.WaitGroup
	var answered, failed atomic.Int64
	enough := make(chan struct{})
	for range 8 {
		clients.Go(func() { // ended by enough
			for {
				select {
				case <-enough:
					return
				default:
				}
				if _, err := r.who("GET", "/who"); err != nil {
					r.t.Error(err)
					failed.Add(1)
				}
				answered.Add(1)
			}
		})
	}
	for range crashes {
		crashed, err := r.who("POST", "/crash")
		if err != nil {
			r.t.Errorf("the crash itself was not answered: %v", err)
			break
		}
		r.waitReplaced(crashed)
	}
	close(enough)
	clients.Wait()
	if failed.Load() > 0 || answered.Load() == 0 {
		r.t.Errorf("%d of %d requests failed, want none", failed.Load(), answered.Load())
	}
}

// waitReplaced returns when another process answers in that slot.
func (r *run) waitReplaced(crashed Who) {
	for deadline := time.Now().Add(patience); ; {
		who, err := r.who("GET", "/who")
		if err == nil && who.Worker == crashed.Worker && who.PID != crashed.PID {
			return
		}
		if time.Now().After(deadline) {
			r.t.Errorf("worker %d, pid %d, was not replaced (%v)", crashed.Worker, crashed.PID, err)
			return
		}
	}
}

// killAll ends all workers at once and returns their successors. It asks for
// those when the old ones are gone: until then one of them may accept a
// connection, as its last deed.
func (r *run) killAll(pids map[int]int) map[int]int {
	r.t.Helper()
	for slot, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			r.t.Errorf("kill worker %d: %v", slot, err)
		}
	}
	for deadline := time.Now().Add(patience); slices.ContainsFunc(slices.Collect(maps.Values(pids)), alive); {
		if time.Now().After(deadline) {
			r.t.Fatalf("some of %v are still there", pids)
		}
	}
	return r.waitPIDs(pids)
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// end stops the demo as a service manager would, and looks for traces.
func (r *run) end(pids map[int]int) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	<-r.rest
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("the demo ended with %v, want exit status 0", err)
	}
	for slot, pid := range pids {
		if alive(pid) {
			r.t.Errorf("worker %d is left, pid %d", slot, pid)
		}
	}
	r.proveNothingLeft()
}

func (r *run) proveNothingLeft() {
	r.t.Helper()
	for _, pid := range workersOfThisProgram(r.t) {
		r.t.Errorf("process %d is left", pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	left, err := os.ReadDir(r.tmp)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, entry := range left {
		r.t.Errorf("%s is left in TMPDIR", entry.Name())
	}
}

// workersOfThisProgram are processes that run this very file as a demo's worker.
func workersOfThisProgram(t *testing.T) (pids []int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, _ := os.ReadFile(file) // it may have ended
		if string(text) == self+"\x00"+WorkerCommand+"\x00" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestTakenPortLeavesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := prepare(t, taken.Addr().String())
	if err := r.cmd.Run(); err == nil || !strings.Contains(r.stderr.String(), "address already in use") {
		t.Errorf("ended with %v and said %q", err, &r.stderr)
	}
	r.proveNothingLeft()
}

func TestEndedBeforeItBegan(t *testing.T) {
	r := prepare(t, "127.0.0.1:0")
	r.cmd.Env = append(r.cmd.Env, endedVariable+"=1")
	if err := r.cmd.Run(); err != nil {
		t.Errorf("ended with %v and said %q", err, &r.stderr)
	}
	r.proveNothingLeft()
}
