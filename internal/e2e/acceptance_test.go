package e2e

// Every kind of program that was measured with the usual practice (stop a worker by
// SIGTERM, start another) is reloaded under load, with default settings, and the
// outcome is written down. `make acceptance` does a hundred reloads of each, `make
// test` a few of those kinds whose programs are there anyway (TestKinds). Not
// covered: the same on other machines.

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fcgi-supervisor/internal/fastcgi"
)

var (
	reloads  = flag.Int("acceptance", 0, "reloads of each kind in TestAcceptance; 0: it is left out")
	document = flag.String("acceptance-out", "", "file to write the table to")
)

// measured is a kind, and what it loses when workers are told to end one after the
// other and replaced: facts/servers-and-workers.md, section 2.1, column "rolling TERM".
type measured struct {
	kind
	title   string
	usual   string
	tcp     bool   // default: a Unix path
	rolling bool   // default: swap
	keys    string // TOML

	noUploads bool
	wrk       bool // the clients are wrk, through nginx
	keep      int  // connections that nginx keeps; with rolling each may cost half of stop_timeout, so there are fewer reloads
	mayLose   int  // requests: a limit that docs/explanation/retiring.md names
}

func acceptanceKinds(t *testing.T) []measured {
	t.Helper()
	known := map[string]kind{}
	for _, k := range kinds() {
		known[k.name] = k
	}
	own := func(argv ...string) func() []string {
		return func() []string {
			return append(slices.Clone(argv[:len(argv)-1]), filepath.Join(workers, argv[len(argv)-1]))
		}
	}
	built := func(command ...string) {
		t.Helper()
		if output, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, output)
		}
	}
	threads, ml := filepath.Join(workers, "threads"), filepath.Join(workers, "worker-ml")
	built("ocamlfind", "ocamlopt", "-package", "unix,netcgi2", "-linkpkg", filepath.Join(workers, "worker.ml"), "-o", ml)
	php := known["php"]
	children := php
	children.environment += `, PHP_FCGI_CHILDREN = "2"`
	uwsgi := known["flask-uwsgi"]
	master := uwsgi
	master.command = func() []string {
		return append(uwsgi.command(), "--master", "--die-on-term", "--processes", "1")
	}
	gently := uwsgi
	gently.command = func() []string {
		return append(uwsgi.command(), "--master", "--processes", "1", "--hook-master-start", "unix_signal:15 gracefully_kill_them_all")
	}
	slow := kind{command: func() []string {
		return []string{"/bin/sh", "-c", "sleep 3; exec " + filepath.Join(workers, "worker-c")}
	}}
	return []measured{
		{kind: known["c"], title: "C, libfcgi", usual: "0"},
		{kind: kind{command: func() []string { return []string{threads} }}, title: "C, libfcgi, 4 threads", usual: "20", keys: `stop_timeout = "5s"`}, // its idle threads do not notice SIGTERM
		{kind: php, title: "PHP", usual: "0"},
		{kind: children, title: "PHP with 2 children", usual: "23"},
		{kind: known["perl"], title: "Perl", usual: "0"},
		{kind: kind{command: own("/usr/bin/plackup", "-s", "FCGI", "--manager", "", "-E", "deployment", "worker.psgi")}, title: "Plack", usual: "0"},
		{kind: kind{command: own("/usr/bin/plackup", "-s", "FCGI", "-E", "deployment", "worker.psgi")}, title: "Plack with its manager", usual: "0"},
		{kind: known["ruby"], title: "Ruby", usual: "16"},
		{kind: known["fcgiwrap"], title: "fcgiwrap (CGI)", usual: "14"},
		{kind: known["go"], title: "Go, net/http/fcgi", usual: "29"},
		{kind: uwsgi, title: "Flask under uWSGI", usual: "16"},
		{kind: master, title: "Flask under uWSGI with a master", usual: "20"},
		{kind: uwsgi, title: "Flask under uWSGI, stop_signal HUP", usual: "0", keys: `stop_signal = "SIGHUP"`},
		{kind: gently, title: "Flask under uWSGI, gentle master", usual: "0"},
		{kind: known["node"], title: "Node", usual: "17"},
		{kind: kind{command: own("/usr/bin/lua5.1", "worker.lua")}, title: "Lua, WSAPI", usual: "0"},
		{kind: kind{command: own("/usr/bin/clisp", "-q", "-q", "worker.lisp")}, title: "CLISP", usual: "0"},
		{kind: kind{command: func() []string { return []string{ml} }}, title: "OCaml, netcgi2 (no uploads)", usual: "16", noUploads: true}, // netcgi takes forms only
		{kind: slow, title: "C that needs 3 s to start", usual: ""},
		{kind: known["c"], title: "C, on TCP", tcp: true},
		{kind: known["go"], title: "Go, on TCP", tcp: true},
		{kind: known["c"], title: "C, on TCP, one by one", tcp: true, rolling: true},
		{kind: known["go"], title: "Go, on TCP, one by one", tcp: true, rolling: true},
		{kind: known["c"], title: "C, behind nginx", wrk: true},
		{kind: known["c"], title: "C, on TCP behind nginx", tcp: true, wrk: true},
		{kind: known["c"], title: "C, on TCP behind nginx that keeps 3 connections", tcp: true, wrk: true, keep: 3},
		{kind: known["go"], title: "Go, on TCP behind nginx that keeps 16 connections", tcp: true, wrk: true, keep: 16},
		{kind: known["c"], title: "C, on TCP behind nginx that keeps 3 connections, one by one", tcp: true, rolling: true, wrk: true, keep: 3},
		{kind: known["go"], title: "Go, on TCP behind nginx that keeps 16 connections, one by one", tcp: true, rolling: true, wrk: true, keep: 16, mayLose: 10}, // never without a request, and no handler of SIGTERM
	}
}

// verdicts are what the clients of one kind saw.
type verdicts struct {
	mu       sync.Mutex // between the clients
	answered int
	slowest  time.Duration // over what the request itself takes
	failed   []error
}

func (v *verdicts) note(over time.Duration, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		v.failed = append(v.failed, err)
		return
	}
	v.answered++
	v.slowest = max(v.slowest, over)
}

// direct is a client without a web server between: one connection a request.
type direct struct {
	network, address, script string
	noUploads                bool
}

func (d direct) ask(ctx context.Context, uri string, body io.Reader, length int64, want string) error {
	conn, err := fastcgi.Dial(ctx, d.network, d.address)
	if err != nil {
		return err
	}
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	params, err := fastcgi.BaseParams(fastcgi.Target{Method: method, URI: uri, Host: "localhost", RemoteAddress: "127.0.0.1",
		Header: http.Header{"Content-Type": {"application/octet-stream"}}, ContentLength: length, ScriptFilename: d.script})
	if err != nil {
		conn.Close()
		return err
	}
	response, err := fastcgi.Do(ctx, conn, &fastcgi.Request{Params: params, Stdin: body})
	if err != nil {
		return fmt.Errorf("%s: %w", uri, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && (response.Status != 200 || string(text) != want) {
		err = fmt.Errorf("status %d, %.60q", response.Status, text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", uri, err)
	}
	return nil
}

// trickle is a body that arrives in pieces.
type trickle struct {
	pieces [][]byte
	pace   *time.Ticker
}

func (t *trickle) Read(b []byte) (int, error) {
	if len(t.pieces) == 0 {
		return 0, io.EOF
	}
	<-t.pace.C
	n := copy(b, t.pieces[0])
	t.pieces = t.pieces[1:]
	return n, nil
}

// slowUpload sends 64 KiB in 16 pieces over 800 ms.
func (d direct) slowUpload(ctx context.Context) error {
	body := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	t := &trickle{pace: time.NewTicker(50 * time.Millisecond)}
	defer t.pace.Stop()
	for piece := range slices.Chunk(body, 4096) {
		t.pieces = append(t.pieces, piece)
	}
	return d.ask(ctx, "/mirror", t, int64(len(body)), string(body))
}

// besiege has 16 clients ask without pause until ctx ends: most for 5 ms, one for 2
// s, one uploads slowly. The verdict is complete when the returned function returns.
func besiege(ctx context.Context, d direct, v *verdicts) (wait func()) {
	var all sync.WaitGroup
	every := func(n int, ask func() (time.Duration, error)) {
		for range n {
			all.Go(func() {
				for ctx.Err() == nil {
					begin := time.Now()
					takes, err := ask()
					v.note(time.Since(begin)-takes, err)
				}
			})
		}
	}
	unending := context.Background() // a request that has begun is waited for
	every(14, func() (time.Duration, error) {
		return 5 * time.Millisecond, d.ask(unending, "/sleep?ms=5", nil, -1, "slept")
	})
	every(1, func() (time.Duration, error) {
		return 2 * time.Second, d.ask(unending, "/sleep?ms=2000", nil, -1, "slept")
	})
	if !d.noUploads {
		every(1, func() (time.Duration, error) { return 800 * time.Millisecond, d.slowUpload(unending) })
	}
	return all.Wait
}

// row is a line of the table.
type row struct {
	measured
	way             string
	reloads         int
	answered        int
	failed          int
	slowest         time.Duration
	median, longest time.Duration // of the reloads
}

func TestAcceptance(t *testing.T) {
	if *reloads == 0 {
		t.Skip("left out: it takes half an hour; try: make acceptance")
	}
	var rows []row
	for _, k := range acceptanceKinds(t) {
		t.Run(k.title, func(t *testing.T) { rows = append(rows, reloadKind(t, k)) })
	}
	if *document != "" {
		if err := os.WriteFile(*document, acceptanceTable(rows), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func reloadKind(t *testing.T, k measured) row {
	p := pool{command: k.command(), processes: 4, keys: "environment = { " + k.environment + " }\n" + k.keys}
	d := direct{network: "unix", noUploads: k.noUploads, script: filepath.Join(workers, k.script)}
	r := row{measured: k, way: "swap", reloads: *reloads}
	if k.rolling {
		r.way = "rolling"
		p.keys += "\nreload = \"rolling\""
	}
	if k.rolling && k.keep > 0 {
		r.reloads = min(r.reloads, 10)
	}
	if k.tcp {
		d.network, d.address = "tcp", ownAddress()
		p.listen = "tcp:" + d.address
	}
	s := start(t, p)
	if d.address == "" {
		d.address = s.socket
	}
	ctx, cancel := context.WithCancel(context.Background())
	v := &verdicts{}
	var wait func()
	if k.wrk {
		wait = besiegeThroughNginx(t, ctx, d, k.keep, v)
	} else {
		wait = besiege(ctx, d, v)
	}
	wait = sync.OnceFunc(wait)
	defer wait()
	defer cancel()
	var took []time.Duration
	for range r.reloads {
		begin := time.Now()
		if o := runWithin(10*time.Minute, binary, "reload", s.pool, "--timeout", "10m", "--control", s.control()); o.code != 0 {
			t.Fatalf("reload: exit %d\n%s", o.code, o.stderr)
		}
		took = append(took, time.Since(begin))
		v.mu.Lock()
		enough := len(v.failed) > 100
		v.mu.Unlock()
		if enough || errors.Is(ctx.Err(), context.Canceled) {
			break
		}
	}
	cancel()
	wait()
	slices.Sort(took)
	r.answered, r.failed, r.slowest = v.answered, len(v.failed), v.slowest
	r.median, r.longest = took[len(took)/2], took[len(took)-1]
	t.Logf("%d reloads: %d requests answered, %d failed, slowest %v over its time, reload %v median, %v longest",
		len(took), r.answered, r.failed, r.slowest, r.median, r.longest)
	if len(v.failed) > k.mayLose {
		t.Errorf("%d requests failed, one of them: %v", len(v.failed), v.failed[rand.IntN(len(v.failed))])
	}
	return r
}

func acceptanceTable(rows []row) []byte {
	var b bytes.Buffer
	b.WriteString(`# Reloads, measured

Written by ` + "`make acceptance`" + `, on the day and the machine of the last line. Four workers of each kind, with default settings, are
reloaded under 16 clients that connect to the socket without pause, one connection a request: 14 ask for something that
takes 5 ms, one for something that takes 2 s, one uploads 64 KiB over 0.8 s. *Behind nginx* the clients are 16
connections of wrk, which ask for what takes 5 ms, and what counts is what wrk says, and nginx's log. Where nginx keeps
connections, it sends a GET again if the connection is closed meanwhile (a POST it does not), and what counts is what
wrk says. Go has no handler of SIGTERM there and is never without a request: *one by one* it is [the one
case](../explanation/retiring.md#what-can-still-be-lost) that may lose some. Reloads follow one another without a pause;
on TCP one waits for the old workers of the one before, with requests of 2 s among them. *Usual practice* is what was lost of some hundred to a thousand requests when workers of that kind were told to end by SIGTERM
one after the other, and replaced. *Slowest* is how much longer than that the slowest request took, with the time in the
queue behind 15 others.

| program | way | reloads | requests | failed | usual practice | slowest | a reload takes (median, longest) |
|---|---|---|---|---|---|---|---|
`)
	for _, r := range rows {
		usual := r.usual
		if usual == "" {
			usual = "not measured"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | **%d** | %s | %d ms | %d ms, %d ms |\n", r.title, r.way, r.reloads, r.answered, r.failed,
			usual, r.slowest.Milliseconds(), r.median.Milliseconds(), r.longest.Milliseconds())
	}
	version, _ := exec.Command("git", "describe", "--tags", "--always").Output()
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	fmt.Fprintf(&b, "\n%s, Linux %s, %s processors, version %s.\n", time.Now().UTC().Format(time.DateOnly),
		strings.TrimSpace(string(kernel)), strconv.Itoa(processors()), strings.TrimSpace(string(version)))
	return b.Bytes()
}

func processors() int {
	text, _ := os.ReadFile("/proc/cpuinfo")
	return strings.Count(string(text), "processor\t")
}
