package main

// How status looks, in each state of a pool. Not covered: where the figures come
// from, see internal/control; colours, which terminals differ in.

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fcgi-supervisor/internal/control"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *time.Time { t := noon.Add(-d); return &t }

func of[T any](v T) *T { return &v }

// readyWorker is idle, and started a minute ago for each slot before it.
func readyWorker(slot int) control.Worker {
	return control.Worker{Slot: slot, PID: of(4711 + slot), Generation: 1, Phase: "ready", Busy: of(false),
		StartedAt: ago(time.Duration(slot+1) * time.Minute), Restarts: of(uint64(0)), RSSBytes: of(uint64(12 << 20)),
		CPUSeconds: of(1.5), FDs: of(7)}
}

func readyWorkers(n int) []control.Worker {
	var workers []control.Worker
	for slot := range n {
		workers = append(workers, readyWorker(slot))
	}
	return workers
}

func poolOf(state string, workers []control.Worker) control.Pool {
	p := control.Pool{Name: "blog", State: state, Healthy: state == "running" || state == "reloading", Listen: "unix:/run/fcgi-supervisor/blog.sock", Wanted: len(workers), Generation: 3,
		Queue: of(0), Backlog: of(4096), Workers: workers}
	for _, w := range workers {
		if w.Phase == "ready" {
			p.Ready++
		}
	}
	return p
}

func running() control.Pool {
	p := poolOf("running", readyWorkers(3))
	p.Workers[1].Busy, p.Workers[1].BusySince = of(true), ago(12*time.Second)
	p.Workers[2].Restarts = of(uint64(2))
	p.Workers[2].LastExit = &control.Exit{Reason: "signal", Text: "killed by SIGSEGV after 3m2s", At: *ago(5 * time.Minute)}
	return p
}

func starting() control.Pool {
	p := poolOf("starting", readyWorkers(2))
	p.Workers[1] = control.Worker{Slot: 1, Generation: 1, Phase: "starting", Restarts: of(uint64(0))}
	p.Ready = 1
	return p
}

func backingOff() control.Pool {
	p := poolOf("backoff", nil)
	p.Name, p.Wanted, p.Failures, p.BackoffUntil = "shop", 3, 5, of(noon.Add(3*time.Second))
	p.LastFailure = &control.Failure{Slot: of(2), Text: "ended before it was ready: exit code 1 after 3ms", At: *ago(time.Second),
		Output: []string{"Traceback (most recent call last):", "  line 1 of \x1b[31mübel\x1b[0m.py"}}
	return p
}

// talkative says more than a screen has room for.
func talkative() control.Pool {
	p := backingOff()
	p.LastFailure.Output = strings.Fields("1 2 3 4 5 6 7 8")
	return p
}

func unbound() control.Pool {
	p := poolOf("backoff", nil)
	p.Wanted, p.Failures, p.Queue, p.Backlog = 3, 1, nil, nil
	p.LastFailure = &control.Failure{Text: "tcp:127.0.0.1:9000 is in use by nginx (pid 7)", At: *ago(0)}
	return p
}

func reloading() control.Pool {
	p := poolOf("reloading", append(readyWorkers(2), readyWorker(1)))
	p.Wanted, p.Generation = 2, 4
	p.Workers[2].Phase, p.Workers[2].Generation, p.Ready, p.Workers[2].Restarts = "draining", 3, 2, nil
	return p
}

func reloadFailed() control.Pool {
	p := running()
	p.LastReload = &control.Reload{Trigger: "api", Generation: 4, Result: of("failed"), Text: "ended before it was ready: exit code 1 after 3ms", At: *ago(time.Hour)}
	return p
}

func stopped() control.Pool {
	p := poolOf("stopped", nil)
	p.Queue, p.Backlog = nil, nil
	return p
}

// saturated has a full queue, too.
func saturated() control.Pool {
	p := poolOf("running", readyWorkers(2))
	for i := range p.Workers {
		p.Workers[i].Busy, p.Workers[i].BusySince = of(true), ago(time.Minute)
	}
	p.Queue, p.Backlog = of(5), of(4)
	return p
}

func unhealthy() control.Pool {
	p := poolOf("running", readyWorkers(1))
	p.Healthy, p.LastProbe = false, &control.Probe{At: *ago(time.Second), Text: "/health was answered with status 500"}
	return p
}

// unseen is a pool of which the kernel tells nothing.
func unseen() control.Pool {
	p := poolOf("running", readyWorkers(1))
	p.Queue, p.Backlog = nil, nil
	p.Workers[0] = control.Worker{Slot: 0, PID: of(1), Phase: "ready", Restarts: of(uint64(0))}
	return p
}

func many() control.Pool {
	p := poolOf("running", readyWorkers(20))
	p.Workers[19].Phase, p.Ready = "starting", 19
	return p
}

func TestStatusLooks(t *testing.T) {
	for _, c := range []struct {
		name  string
		all   bool
		pools []control.Pool
	}{
		{"running", false, []control.Pool{running()}},
		{"starting", false, []control.Pool{starting()}},
		{"backoff", false, []control.Pool{backingOff()}},
		{"unbound", false, []control.Pool{unbound()}},
		{"reloading", false, []control.Pool{reloading()}},
		{"reload-failed", false, []control.Pool{reloadFailed()}},
		{"stopped", false, []control.Pool{stopped()}},
		{"saturated", false, []control.Pool{saturated()}},
		{"unhealthy", false, []control.Pool{unhealthy()}},
		{"unseen", false, []control.Pool{unseen()}},
		{"many", false, []control.Pool{many()}},
		{"many-all", true, []control.Pool{many()}},
		{"several", false, []control.Pool{running(), backingOff(), stopped()}},
	} {
		var printed bytes.Buffer
		shown := picture{screen: screenOf(&printed), now: noon, all: c.all}
		shown.print(c.pools)
		golden(t, filepath.Join("testdata", "status", c.name), printed.String())
	}
}

// TestWatchedStatusLooks: whatever does not fit, the pools and their trouble do.
func TestWatchedStatusLooks(t *testing.T) {
	for name, pools := range map[string][]control.Pool{
		"watched": {stopped(), running(), talkative(), saturated()}, "watched-alone": {running()},
	} {
		var printed bytes.Buffer
		shown := picture{screen: screenOf(&printed), now: noon}
		shown.printForScreen(pools)
		golden(t, filepath.Join("testdata", "status", name), printed.String())
	}
}

// golden compares with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *updateGolden {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: printed\n%swant\n%s", path, got, want)
	}
}

// TestStatusNeverSteersTheTerminal has control characters wherever a worker or a
// configuration could put them.
func TestStatusNeverSteersTheTerminal(t *testing.T) {
	const evil = "\x1b]0;title\x07\r\n"
	p := backingOff()
	p.Listen, p.LastFailure.Text, p.LastFailure.Output = evil, evil, []string{evil}
	p.Workers = readyWorkers(1)
	p.Workers[0].LastExit = &control.Exit{Text: evil}
	p.LastReload = &control.Reload{Result: of("failed"), Text: evil}
	var printed bytes.Buffer
	shown := picture{screen: screenOf(&printed), now: noon}
	shown.print([]control.Pool{p})
	if strings.ContainsAny(printed.String(), "\x1b\x07\r") || strings.Count(printed.String(), "title") != 5 {
		t.Errorf("%q", printed.String())
	}
}

func TestTableColumns(t *testing.T) {
	table := table{columns: []column{{title: "A"}, {title: "NUMBER", right: true}, {title: "LAST"}}}
	table.add("日本", "1", "x")
	table.add("é", "22", "y")
	table.add("e\u0301t\u0301", "333", "")
	want := "A     NUMBER  LAST\n日本       1  x\né         22  y\ne\u0301t\u0301       333"
	if got := strings.Join(table.lines(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMemory(t *testing.T) {
	for bytes, want := range map[uint64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 KiB", 10 << 10: "10 KiB", 999 << 10: "999 KiB", 1 << 20: "1.0 MiB",
		7654321: "7.3 MiB", 12 << 20: "12 MiB", 3 << 30: "3.0 GiB", 5 << 50: "5120 TiB",
	} {
		if got := memory(&bytes); got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
}

// TestResultJSON is what scripts read of start, stop and the like.
func TestResultJSON(t *testing.T) {
	text, err := json.Marshal(result{Pool: "blog", Text: "worker 0 ended", Output: []string{"why"}})
	if want := `{"pool":"blog","ok":false,"text":"worker 0 ended","output":["why"]}`; err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
}
