package e2e

// Every alert fires in a real run where it should and nowhere else, and ends: five
// pools, each in trouble of its own at the same time, scraped by Debian's Prometheus;
// and none fires for what is asked for. The alerts' lengths of time are cut to
// seconds. No counter goes back meanwhile, and every query of the dashboards finds
// something. Not covered: the lengths of time themselves, which
// metrics/testdata/alerts_test.yml tests.

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hurriedRules are our rules with minutes and hours cut to seconds, by file. How long
// a rate is seen is kept shorter than how long it must last.
func hurriedRules(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"recording.yml", "alerts.yml"} {
		text, err := os.ReadFile("../../metrics/alerts/" + name)
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.SplitAfter(string(text), "- alert: ")
		for i := range blocks {
			alert, _, _ := strings.Cut(blocks[i], "\n")
			blocks[i] = hurried(alert).Replace(blocks[i])
			if long := regexp.MustCompile(`(for: |\[|offset )\d+[mh]`).FindString(blocks[i]); long != "" {
				t.Fatalf("%s would take long: %s", alert, long)
			}
		}
		files[name] = strings.Join(blocks, "")
	}
	return files
}

func hurried(alert string) *strings.Replacer {
	switch alert {
	case "FcgiSupervisorDown":
		return strings.NewReplacer("for: 1m", "for: 3s")
	case "FcgiWorkersCrash":
		return strings.NewReplacer("for: 5m", "for: 10s")
	case "FcgiWorkerMemoryGrows":
		return strings.NewReplacer("[30m]", "[3s]", "offset 3h", "offset 20s", "4 * 3600", "10", "for: 15m", "for: 1s")
	}
	return strings.NewReplacer("for: 1m", "for: 1s", "for: 2m", "for: 2s", "for: 30s", "for: 1s", "[5m]", "[5s]", "[15m]", "[10s]")
}

// watchedRun is one supervisor and who scrapes it.
type watchedRun struct {
	*supervisor
	prom *prometheus
	sick string // while this file is there, the probe of "api" is answered with an error
}

func TestPrometheus(t *testing.T) {
	t.Parallel() // it waits more than it works
	web := freePort(t)
	p := pool{command: []string{filepath.Join(workers, "worker-c")}, processes: 3, keys: "listen_backlog = 10\ndrain_timeout = \"1s\"\nstop_timeout = \"1s\""}
	s := prepare(t, p)
	r := watchedRun{s, nil, filepath.Join(s.folder, "sick")}
	s.deploy("shop", true)
	s.deploy("news", true)
	own := func(name, program string) string {
		return fmt.Sprintf("[pool.%s]\ncommand = [%q]\nlisten = \"unix:%s/%[1]s.sock\"\nprocesses = 2\n", name, program, s.folder)
	}
	p.tables = fmt.Sprintf("[http]\nlisten = %q\n", web) +
		own("shop", s.folder+"/shop") + own("news", s.folder+"/news") + own("fragile", filepath.Join(workers, "worker-c")) +
		fmt.Sprintf("[pool.api]\ncommand = [%q]\nlisten = \"tcp:%s\"\nprocesses = 4\n", filepath.Join(workers, "worker-go"), freePort(t)) +
		fmt.Sprintf("[pool.api.probe]\npath = \"/unless?file=%s\"\ninterval = \"500ms\"\ntimeout = \"10s\"\n", r.sick) +
		"[pool.api.log]\noutput = \"file\"\nfile = \"/dev/full\"\n"
	s.configure(p)
	s.run(binary, "run", "--config", s.config())
	r.prom = startPrometheus(t, web)
	native := startPrometheus(t, web, "--enable-feature=native-histograms")
	r.prom.wantValue(`sum(fcgi_supervisor_pool_workers{state="ready"})`, "13")

	r.everyday()
	r.troubles(p)
	r.crashes()
	r.prom.wantNothingWentBack()
	for _, prom := range []*prometheus{r.prom, native} { // the second one drops the classic buckets
		prom.wantDashboards(s.pool + "|api")
	}
	if found, err := native.query(`histogram_count(fcgi_supervisor_worker_start_duration_seconds{pool="shop"})`); err != nil || len(found) != 1 {
		t.Errorf("native buckets: %v (%v)", found, err)
	}
}

// everyday: nothing fires for what people ask for.
func (r watchedRun) everyday() {
	r.t.Helper()
	begin := time.Now()
	r.mustCommand("reload", "--all")
	r.mustCommand("scale", "news", "4")
	r.mustCommand("scale", "news", "2")
	r.mustCommand("restart", "api")
	r.mustCommand("upgrade")
	r.mustCommand("stop", "shop")
	// It is seen to be down for longer than the alert waits.
	r.prom.wantValue(`sum_over_time((fcgi_supervisor_pool_up{pool="shop"} == bool 0)[3s:1s])`, "3")
	r.mustCommand("start", "shop")
	r.prom.wantValue(`sum(fcgi_supervisor_pool_workers{state="ready"})`, "13")
	r.prom.wantFired(begin)
}

// troubles are different ones in each pool at the same time; then all is mended.
func (r watchedRun) troubles(p pool) {
	r.t.Helper()
	begin := time.Now()
	want := []string{
		"FcgiConfigRejected",
		"FcgiCrashLoop shop", "FcgiPoolDown shop",
		"FcgiReloadFailed news",
		"FcgiPoolSaturated " + r.pool, "FcgiQueueAlmostFull " + r.pool,
		"FcgiLogLinesDropped api", "FcgiWorkerMemoryGrows api", "FcgiProbeFails api",
		"FcgiWorkersCrash fragile",
	}
	r.deploy("shop", false)
	for _, pid := range r.pidsOf("shop") {
		_ = syscall.Kill(pid, syscall.SIGSEGV)
	}
	r.deploy("news", false)
	if o := r.command("reload", "news"); o.code != 1 {
		r.t.Errorf("the reload ended with %d: %s", o.code, o.stderr)
	}
	end := r.requests(9, "unix:"+r.socket) // 3 are served, 6 wait
	r.prom.wantValue(`fcgi_supervisor_pool_listen_queue{pool="`+r.pool+`"}`, "6")
	r.connects(4, "unix", r.socket)
	r.mustCommand("request", "api", "/log?text=lost")
	r.mustCommand("request", "api", "/grow?mb=150")
	r.becomeSick()
	broken := p
	broken.keys += "\nproceses = 3"
	r.configure(broken)
	r.signal(syscall.SIGHUP)
	r.crashUntil(begin, "FcgiWorkersCrash fragile")
	r.prom.wantFired(begin, want...)

	end()
	r.recover()
	r.deploy("shop", true)
	r.deploy("news", true)
	r.mustCommand("restart", r.pool) // the workers sleep on, though nobody waits
	r.configure(p)
	r.signal(syscall.SIGHUP)
	r.prom.wantQuiet()
	r.prom.wantFired(begin, want...)
	r.prom.wantValue(`sum(fcgi_supervisor_pool_workers{state="ready"})`, "13")
}

// crashUntil kills a worker of "fragile" each second until an alert has fired.
func (r watchedRun) crashUntil(begin time.Time, alert string) {
	r.t.Helper()
	pace := time.NewTicker(time.Second)
	defer pace.Stop()
	for deadline := time.Now().Add(2 * patience); ; <-pace.C {
		fired, err := r.prom.fired(begin)
		if slices.Contains(fired, alert) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("fired: %q (%v), want %q", fired, err, alert)
		}
		for _, pid := range r.pidsOf("fragile") {
			_ = syscall.Kill(pid, syscall.SIGSEGV)
			break
		}
	}
}

// crashes: the supervisor is gone for a while, and then has a log that takes nothing.
func (r watchedRun) crashes() {
	r.t.Helper()
	begin := time.Now()
	r.crash()
	r.prom.wantFired(begin, "FcgiSupervisorDown")
	r.run(loseOwnLog[0], append(slices.Clone(loseOwnLog[1:]), binary, "run", "--config", r.config())...)
	r.prom.wantFired(begin, "FcgiSupervisorDown", "FcgiLogLinesDropped")
	r.prom.wantQuiet()
	r.prom.wantFired(begin, "FcgiSupervisorDown", "FcgiLogLinesDropped")
}

func (r watchedRun) becomeSick() {
	r.t.Helper()
	if err := os.WriteFile(r.sick, nil, 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r watchedRun) recover() {
	r.t.Helper()
	if err := os.Remove(r.sick); err != nil {
		r.t.Fatal(err)
	}
}

// deploy writes the program of a pool: a good one, or one that ends at once.
func (s *supervisor) deploy(name string, good bool) {
	s.t.Helper()
	text := "#!/bin/sh\necho no module named app\nexit 3\n"
	if good {
		text = "#!/bin/sh\nexec " + filepath.Join(workers, "worker-c") + "\n"
	}
	next := filepath.Join(s.folder, "next")
	err := os.WriteFile(next, []byte(text), 0o755)
	if err == nil {
		err = os.Rename(next, filepath.Join(s.folder, name))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// fired are the alerts that have fired since then, each as "NAME POOL".
func (p *prometheus) fired(since time.Time) ([]string, error) {
	found, err := p.query(fmt.Sprintf(`count by (alertname, pool) (count_over_time(ALERTS{alertstate="firing"}[%dms]))`, time.Since(since).Milliseconds()+1))
	var names []string
	for _, a := range found {
		names = append(names, strings.TrimSpace(a.Metric["alertname"]+" "+a.Metric["pool"]))
	}
	slices.Sort(names)
	return names, err
}

// wantFired waits until those have fired since then, and no others; but that a scrape
// came too late, on a busy machine, is nobody's fault.
func (p *prometheus) wantFired(since time.Time, want ...string) {
	p.t.Helper()
	slices.Sort(want)
	eventually(p.t, func() error {
		got, err := p.fired(since)
		const down = "FcgiSupervisorDown"
		if !slices.Contains(want, down) {
			got = slices.DeleteFunc(got, func(name string) bool { return name == down })
		}
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("fired: %q, want %q", got, want)
		}
		return err
	})
}

// wantQuiet waits until none fires.
func (p *prometheus) wantQuiet() {
	p.t.Helper()
	eventually(p.t, func() error {
		firing, err := p.query(`ALERTS{alertstate="firing"}`)
		if err == nil && len(firing) > 0 {
			err = fmt.Errorf("firing: %v", firing)
		}
		return err
	})
}
