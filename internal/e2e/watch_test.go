package e2e

// Editors and deploys change files; the pool is reloaded once, under load, without
// a request lost. Not covered: file systems without events, limits of inotify
// (internal/watch plays both), editors that need a terminal, and how soon a reload
// comes, which is only logged.

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// site is a supervisor whose pool watches its directory.
type site struct {
	*supervisor
	folder string // of the program's files: everything is below it
	other  string // a pool that watches a folder beside
}

// newSite has the folders app and beside, made by a script, and starts a pool in
// directory and one in beside.
func newSite(t *testing.T, p pool, directory, script string) *site {
	t.Helper()
	folder := publicFolder(t)
	shell(t, folder, "mkdir app beside && echo old > app/app.py && echo old > app/other.py\n"+script)
	p.directory = filepath.Join(folder, directory)
	if p.command == nil {
		p.command = []string{filepath.Join(workers, "worker-c")}
	}
	p.processes = 2
	s := &site{folder: folder, other: uniqueName("other")}
	socket := filepath.Join(folder, "other.sock")
	p.tables += fmt.Sprintf("\n[pool.%s]\ncommand = [%q]\ndirectory = %q\nlisten = %q\nprocesses = 1\nwatch.paths = [\".\"]\n",
		s.other, filepath.Join(workers, "worker-c"), filepath.Join(folder, "beside"), "unix:"+socket)
	s.supervisor = prepare(t, p)
	s.run(binary, "run", "--config", s.config())
	s.until(func(now, other watchedPool) error {
		if now.State != "running" || other.State != "running" {
			return fmt.Errorf("the pools are %s and %s", now.State, other.State)
		}
		return nil
	})
	return s
}

// watchedPool is what these tests want to know of a pool.
type watchedPool struct {
	Name       string `json:"name"`
	State      string `json:"state"`
	Generation int    `json:"generation"`
	LastReload *struct {
		Trigger string `json:"trigger"`
		Path    string `json:"path"`
		Result  string `json:"result"`
	} `json:"last_reload"`
}

// until asks until both pools are as the condition wants them.
func (s *site) until(condition func(now, other watchedPool) error) {
	s.t.Helper()
	eventually(s.t, func() error {
		text, err := s.rawStatus()
		if err != nil {
			return err
		}
		var status struct {
			Pools []watchedPool `json:"pools"`
		}
		if err := json.Unmarshal(text, &status); err != nil {
			return err
		}
		pools := map[string]watchedPool{}
		for _, p := range status.Pools {
			pools[p.Name] = p
		}
		return condition(pools[s.pool], pools[s.other])
	})
}

// reloaded waits for a reload because of path, which leads to generation, and
// wants the other pool as it was.
func (s *site) reloaded(generation int, path, result string) {
	s.t.Helper()
	s.until(func(now, other watchedPool) error {
		r := now.LastReload
		switch {
		case r == nil || r.Path != path || r.Result != result || now.Generation < generation:
			return fmt.Errorf("generation %d, last reload %+v; want generation %d, %s for %s", now.Generation, r, generation, result, path)
		case r.Trigger != "file":
			s.t.Errorf("trigger %s, want file", r.Trigger)
		case now.Generation > generation && result == "ok":
			s.t.Errorf("generation %d, want %d: it was reloaded more than once", now.Generation, generation)
		case other.Generation != 1 || other.LastReload != nil:
			s.t.Errorf("the other pool was reloaded: %+v", other)
		}
		return nil
	})
}

// shell runs a script in folder; git has no settings of this machine's users.
func shell(t *testing.T, folder, script string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-ec", script)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, output)
	}
}

const (
	// twoBranches has 2,000 files, all different on the branch next.
	twoBranches = `cd app; git init -q -b old; for d in $(seq 40); do mkdir d$d; for f in $(seq 50); do echo old > d$d/$f.py; done; done
git add .; git commit -q -m old; git checkout -q -b next; for f in d*/*.py; do echo next > $f; done; rm d1/*; echo x > d2/new.py
git add -A; git commit -q -m next; git checkout -q old`
	releases = `mkdir -p releases/1 releases/2; echo 1 > releases/1/app.py; echo 2 > releases/2/app.py; ln -s releases/1 current`
)

func TestFilesThatChange(t *testing.T) {
	for _, c := range []struct {
		name      string
		before    string // in the site's folder
		directory string // default: app
		change    string // in the site's folder
		path      string // what is told; @ is the site's folder
	}{
		{name: "vi", change: `cd app; vi -es -u NONE -c '%s/old/new/' -c wq app.py </dev/null`, path: "app.py"},
		{name: "sed -i", change: "sed -i s/old/new/ app/app.py", path: "app.py"},
		{name: "cp", before: "echo new > new.py", change: "cp new.py app/app.py", path: "app.py"},
		{name: "mv", before: "echo new > new.py", change: "touch new.py; mv new.py app/app.py", path: "app.py"},
		{name: "touch", change: "touch app/app.py", path: "app.py"},
		{name: "rsync", before: "cp -r app from; echo new > from/app.py", change: "rsync -rc from/ app/", path: "app.py"},
		{name: "git checkout", before: twoBranches, change: "cd app; git checkout -q next; touch -d 'next year' app.py", path: "app.py"},
		{name: "mkdir -p", change: "mkdir -p app/one/two/three && echo x > app/one/two/three/c.py", path: "one/two/three/c.py"},
		{name: "folder deleted and back", change: "cp -r app copy; rm -r app; mkdir app; cp copy/other.py app; cp copy/app.py app; touch -d 'next year' app/app.py", path: "app.py"},
		{name: "ln -sfn", before: releases, directory: "current", change: "ln -sfn releases/2 current", path: "@/current"},
		{name: "link renamed", before: releases, directory: "current", change: "ln -s releases/2 next && mv -T next current", path: "@/current"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.directory == "" {
				c.directory = "app"
			}
			// A debounce that outlasts the pauses of a machine under the race detector.
			s := newSite(t, pool{tables: "[@.watch]\npaths = [\".\"]\ndebounce = \"1s\""}, c.directory, c.before)
			f := nginx(t, "unix:"+s.socket, "")
			l := startLoad(t, f, 4)
			l.waitAnswered(4)
			shell(t, s.folder, c.change)
			began := time.Now()
			s.reloaded(2, strings.ReplaceAll(c.path, "@", s.folder), "ok")
			t.Logf("%v from the change to the new generation, a debounce of 1s in it", time.Since(began))
			shell(t, s.folder, "echo newer > "+c.directory+"/again.py")
			s.reloaded(3, "again.py", "ok")
			l.waitAnswered(4)
			l.verdict(f, 0)
		})
	}
}

// TestSyntaxErrorLeavesTheSiteUp saves a program that cannot be imported, and then
// one that can.
func TestSyntaxErrorLeavesTheSiteUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, pool{
		command: []string{"/usr/bin/uwsgi-core", "--plugin", "python3", "--protocol", "fastcgi", "--module", "app",
			"--need-app", "--buffer-size", "32768", "--disable-logging"},
		tables: "[@.watch]\npaths = [\"**/*.py\"]",
	}, "app", "cp "+filepath.Join(workers, "app.py")+" app/app.py; cp app/app.py good.py")
	f := nginx(t, "unix:"+s.socket, "")
	l := startLoad(t, f, 4)
	l.waitAnswered(4)
	shell(t, s.folder, "echo 'def broken(:' >> app/app.py")
	s.reloaded(1, "app.py", "failed")
	l.waitAnswered(4)
	shell(t, s.folder, `(cat good.py; printf '\n\n@app.get("/healed")\ndef healed():\n    return answer("healed")\n') > next.py; mv next.py app/app.py`)
	s.until(func(now, _ watchedPool) error {
		if r := now.LastReload; r == nil || r.Result != "ok" {
			return fmt.Errorf("last reload %+v, want one that went well", r)
		}
		return nil
	})
	if a := f.must(http.MethodGet, "/healed", nil); string(a.body) != "healed" {
		t.Errorf("the mended program answers %q", a.body)
	}
	l.waitAnswered(4)
	l.verdict(f, 0)
}

// A save that hangs does not hold up the next one.
func TestSaveThatHangs(t *testing.T) {
	t.Parallel()
	whole := "exec " + filepath.Join(workers, "worker-c")
	s := newSite(t, pool{command: []string{"/bin/sh", "app.sh"}, tables: "[@.watch]\npaths = [\"*.sh\"]"}, "app", "echo '"+whole+"' > app/app.sh")
	f := nginx(t, "unix:"+s.socket, "")
	l := startLoad(t, f, 4)
	shell(t, s.folder, "echo 'exec sleep 1000' > app/app.sh")
	s.until(func(now, _ watchedPool) error {
		if now.LastReload == nil {
			return errors.New("no reload yet")
		}
		return nil
	})
	l.waitAnswered(4)
	shell(t, s.folder, "echo '"+whole+"' > app/app.sh")
	s.until(func(now, _ watchedPool) error {
		if r := now.LastReload; r == nil || r.Result != "ok" {
			return fmt.Errorf("last reload %+v, want one that went well", r)
		}
		return nil
	})
	l.verdict(f, 0)
}

// TestWatchedLoop writes below its own watch with every worker that starts: that
// is stopped, and begins anew when somebody reloads.
func TestWatchedLoop(t *testing.T) {
	t.Parallel()
	s := newSite(t, pool{
		command: []string{"/bin/sh", "-c", `echo "$$" > stamp; exec "$0"`, filepath.Join(workers, "worker-c")}, user: "root",
		tables: "[@.watch]\npaths = [\".\"]\ndebounce = \"10ms\"",
	}, "app", "")
	words := fmt.Sprintf("watch of %[1]s suspended: 10 changes a minute, the last was stamp; add it to ignore, then: fcgi-supervisor reload %[1]s", s.pool)
	suspended := func(times int) {
		t.Helper()
		eventually(t, func() error {
			text, err := os.ReadFile(s.log())
			if got := strings.Count(string(text), words); err != nil || got != times {
				return fmt.Errorf("the log says %d times %q, want %d (%v)", got, words, times, err)
			}
			return nil
		})
	}
	shell(t, s.folder, "echo new > app/app.py")
	suspended(1)
	s.mustCommand("reload", s.pool)
	shell(t, s.folder, "echo newer > app/app.py")
	suspended(2)
}
