package e2e

// What doctor says of deployments: each of brokenDeployments is a real one, broken in
// one way, and the cause must be named first; the healthy ones have nothing wrong.
// What is wrong about a pool that runs is in doctor_live_test.go. Not covered: memory
// that the kernel takes back (the workers that other tests kill would be taken for such),
// PrivateTmp=.

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

type findingJSON struct {
	Check, Verdict, Text, Remedy string
	Detail                       []string
}

type reportJSON struct {
	Pool     string
	Healthy  bool
	Cause    *findingJSON
	Findings []findingJSON
}

// deployment is an application in a folder of its own. In all texts $D is the folder.
type deployment struct {
	name    string
	files   map[string]string // *.fcgi are made executable
	change  func(t *testing.T, folder string)
	command []string // default: $D/app.fcgi
	user    string   // default: www-data
	listen  string   // default: unix:, two folders above $D
	keys    string   // further lines of the pool
	shell   []string // variables of the shell in which doctor is called
	args    []string // further arguments
	cause   string   // a pattern for what doctor says first, with its remedy
}

// where replaces $D.
func where(folder, text string) string { return strings.ReplaceAll(text, "$D", folder) }

// deploy writes a deployment down, with its configuration.
func deploy(t *testing.T, d deployment) (folder, configuration string) {
	t.Helper()
	root := publicFolder(t)
	folder = filepath.Join(root, "site", "app")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range d.files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, ".fcgi") || strings.Contains(name, "bin/") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(where(folder, text)), mode); err != nil {
			t.Fatal(err)
		}
	}
	if d.change != nil {
		d.change(t, folder)
	}
	if d.command == nil {
		d.command = []string{"$D/app.fcgi"}
	}
	if d.user == "" {
		d.user = "www-data"
	}
	if d.listen == "" {
		d.listen = "unix:" + root + "/app.sock"
	}
	text := fmt.Sprintf("[supervisor]\nruntime_dir = %q\n[pool.app]\ncommand = %s\nlisten = %q\nuser = %q\n%s\n",
		filepath.Join(root, "run"), where(folder, tomlStrings(d.command)), where(folder, d.listen), d.user, where(folder, d.keys))
	configuration = filepath.Join(root, "fcgi-supervisor.toml")
	if err := os.WriteFile(configuration, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder, configuration
}

// doctorSays runs doctor as a person in a shell would.
func doctorSays(t *testing.T, shell []string, args ...string) (reportJSON, int) {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"doctor", "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), shell...)
	cmd.Dir = "/"
	var stderr strings.Builder
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	var r reportJSON
	if e := json.Unmarshal(text, &r); e != nil {
		t.Fatalf("doctor %s: %v, %v\n%s%s", strings.Join(args, " "), e, err, text, stderr.String())
	}
	if stderr.Len() > 0 {
		t.Errorf("doctor says on standard error: %s", stderr.String())
	}
	return r, cmd.ProcessState.ExitCode()
}

// mustSay compares what doctor says first with what is true.
func mustSay(t *testing.T, r reportJSON, code int, cause string) {
	t.Helper()
	if r.Cause == nil {
		t.Fatalf("no cause where %q is true:\n%s", cause, readable(r))
	}
	if said := r.Cause.Text + "; try: " + r.Cause.Remedy; !regexp.MustCompile("(?s)" + cause).MatchString(said) {
		t.Errorf("the cause is\n  %s\nwant\n  %s\nof\n%s", said, cause, readable(r))
	}
	causesGuard.Lock()
	causesSaid[r.Cause.Text] = true
	causesGuard.Unlock()
	if r.Healthy || code != 1 {
		t.Errorf("healthy %v, exit code %d, want false and 1", r.Healthy, code)
	}
}

func readable(r reportJSON) string {
	text, _ := json.MarshalIndent(r.Findings, "", " ")
	return string(text)
}

// TestDoctor finds every cause, and the page for people has them all, and no others.
func TestDoctor(t *testing.T) {
	t.Run("cause", doctorFindsTheCause)
	t.Run("running", doctorLooksAtRunningPools)
	if !t.Failed() && len(causesSaid) > len(brokenDeployments) { // else only some were asked for
		comparePageOfCauses(t, slices.Collect(maps.Keys(causesSaid)))
	}
}

// causesSaid are all that doctor has said was the cause.
var (
	causesSaid  = map[string]bool{}
	causesGuard sync.Mutex // deployments are looked at in parallel
)

// comparePageOfCauses wants each line of the page's table to be a cause that was said,
// and each cause that was said to be in the table.
func comparePageOfCauses(t *testing.T, said []string) {
	text, err := os.ReadFile("../../docs/how-to/premature-end-of-script-headers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| what it says | what happened |")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := map[string]bool{}
	for line := range strings.Lines(table) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
			pattern := regexp.MustCompile("(?s)" + strings.ReplaceAll(regexp.QuoteMeta(strings.Trim(span[1], ". ")), `\.\.\.`, ".*"))
			found := false
			for _, cause := range said {
				if pattern.MatchString(cause) {
					found, listed[cause] = true, true
				}
			}
			if !found {
				t.Errorf("no deployment is broken so that doctor says %q, as the page has it", span[1])
			}
		}
	}
	for _, cause := range said {
		if !listed[cause] {
			t.Errorf("the page has no line for: %s", cause)
		}
	}
}

func doctorFindsTheCause(t *testing.T) {
	if n := len(brokenDeployments); n < 40 {
		t.Errorf("only %d broken deployments", n)
	}
	for _, d := range brokenDeployments {
		t.Run(strings.ReplaceAll(d.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			folder, configuration := deploy(t, d)
			var shell []string
			for _, v := range d.shell {
				shell = append(shell, where(folder, v))
			}
			args := []string{"--config", configuration, "--as", "www-data", "--timeout", "10s"}
			r, code := doctorSays(t, shell, append(args, d.args...)...)
			mustSay(t, r, code, strings.ReplaceAll(d.cause, `\$D`, regexp.QuoteMeta(folder)))
			if left := processesWith("\x00none\x00", folder+"/"); len(left) > 0 {
				t.Errorf("processes %v are left: %s", left, commandLine(left[0]))
			}
		})
	}
}

// TestDoctorFindsNothing asks of healthy pools that run.
func TestDoctorFindsNothing(t *testing.T) {
	type healthy struct {
		name string
		pool pool
		args []string
	}
	var all []healthy
	for _, k := range kinds() {
		h := healthy{k.name, pool{command: k.command(), keys: "environment = { " + k.environment + " }"}, []string{"--path", "/pid"}}
		if k.script != "" {
			h.args = append(h.args, "-p", "SCRIPT_FILENAME="+filepath.Join(workers, k.script))
		}
		all = append(all, h)
	}
	all = append(all,
		healthy{"demo", pool{command: []string{binary, "demo-worker"}, keys: "ready = \"uptime\""}, nil},
		healthy{"default-path", pool{command: []string{"/usr/bin/perl", filepath.Join(workers, "worker.pl")}}, nil},
		healthy{"probe", pool{command: []string{filepath.Join(workers, "worker-c")}, tables: "[@.probe]\npath = \"/pid\""}, nil},
		healthy{"abstract", pool{command: []string{filepath.Join(workers, "worker-go")}, listen: "unix:@" + uniqueName("doctor")}, nil},
		healthy{"tcp", pool{command: []string{filepath.Join(workers, "worker-c")}, listen: "tcp:" + ownAddress()}, nil},
	)
	if len(all) < 10 {
		t.Errorf("only %d healthy deployments", len(all))
	}
	for _, h := range all {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			h.pool.processes = 2
			s := start(t, h.pool)
			r, code := doctorSays(t, nil, append([]string{"--config", s.config(), "--as", "www-data"}, h.args...)...)
			if !r.Healthy || r.Cause != nil || code != 0 {
				t.Errorf("exit code %d, and of a healthy pool doctor says\n%s", code, readable(r))
			}
			for _, want := range []string{"start", "answer", "pool's answer", "stop"} {
				if !seenOK(r, want) {
					t.Errorf("%q was not found to be ok:\n%s", want, readable(r))
				}
			}
		})
	}
}

func seenOK(r reportJSON, check string) bool {
	for _, f := range r.Findings {
		if f.Check == check && f.Verdict == "ok" {
			return true
		}
	}
	return false
}
