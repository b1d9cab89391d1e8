package watch

// What editors and deploys do to real files, seen through real inotify and by
// polling. Not covered: network file systems (their magic numbers are tried
// against nothing), an overflow of the real queue and limits really reached
// (loop_test.go plays them), a look that takes long.

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience bounds waits that only a failing test waits out.
const patience = 20 * time.Second

// quiet is the debounce of these tests.
const quiet = 50 * time.Millisecond

// report is one call of changed.
type report struct{ name, path string }

// watched is a watcher of real files.
type watched struct {
	t       *testing.T
	root    string
	watcher *Watcher
	reports chan report
}

// prepare makes a folder with the files that every case begins with.
func prepare(t *testing.T) string {
	root := filepath.Join(t.TempDir(), "site", "app")
	for _, name := range []string{"app.py", "lib/a.py", "lib/deep/b.py", ".git/index", "notes.txt"} {
		write(t, filepath.Join(root, name), "old")
	}
	return root
}

func watching(t *testing.T, spec Spec) *watched {
	t.Helper()
	w := &watched{t: t, root: spec.Root, reports: make(chan report, 100)}
	m := thisMachine()
	m.pause = 10 * time.Millisecond
	w.watcher = newWatcher(func(name, path string) { w.reports <- report{name, path} }, slog.New(slog.DiscardHandler), m)
	t.Cleanup(w.watcher.Close)
	spec.Name, spec.Debounce = "blog", quiet
	if spec.Mode == "" {
		spec.Mode = ModeAuto
	}
	w.watcher.Set([]Spec{spec})
	return w
}

// next is the path of the next report.
func (w *watched) next() string {
	w.t.Helper()
	select {
	case r := <-w.reports:
		if r.name != "blog" {
			w.t.Errorf("report of %s, want blog", r.name)
		}
		return r.path
	case <-time.After(patience):
		w.t.Fatalf("no report in %v", patience)
		return ""
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs a shell in folder.
func run(t *testing.T, folder, script string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-ec", script)
	cmd.Dir = folder
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, output)
	}
}

// changesOf are run in the folder that is watched; each is told by the path it
// wants, and after it the path is still watched.
var changesOf = []struct {
	name, script string
	paths        []string
	want         string
}{
	{"written in place", "echo new >> app.py", []string{"."}, "app.py"},
	{"atomic save", "echo new > .app.py.tmp && mv .app.py.tmp app.py", []string{"."}, "app.py"},
	{"atomic save of a watched file", "echo new > tmp && mv tmp app.py", []string{"app.py"}, "app.py"},
	{"sed", "sed -i s/old/new/ lib/deep/b.py", []string{"."}, "lib/deep/b.py"},
	{"touched", "touch -d 2030-01-01 app.py", []string{"."}, "app.py"},
	{"removed", "rm lib/a.py", []string{"."}, "lib/a.py"},
	{"new file", "echo x > lib/new.py", []string{"."}, "lib/new.py"},
	{"mkdir -p with a file", "mkdir -p one/two/three && echo x > one/two/three/c.py", []string{"."}, "one/two/three/c.py"},
	{"folder moved in", "mkdir ../in && echo x > ../in/d.py && mv ../in here", []string{"."}, "here/d.py"},
	{"folder moved out", "mv lib/deep ..", []string{"."}, "lib/deep/b.py"},
	{"glob", "echo x > notes.txt && echo x > lib/a.py && touch -d 2030-01-01 notes.txt", []string{"**/*.py"}, "lib/a.py"},
	{"glob of one level", "echo x > lib/a.py && touch -d 2030-01-01 lib/a.py && echo x > b.py", []string{"*.py"}, "b.py"},
	{"file that was not there", "echo x > late.py", []string{"late.py"}, "late.py"},
	{"folder that was not there", "mkdir -p late/er && echo x > late/er/e.py", []string{"late/er"}, "late/er/e.py"},
	{"root replaced", "cp -r ../app ../next && echo new > ../next/app.py && mv ../app ../before && mv ../next ../app", []string{"."}, "app.py"},
	{"root deleted and back", "rm -r ../app && mkdir ../app && echo new > ../app/app.py", []string{"."}, "app.py"},
	{"folder above replaced", "cp -r ../../site ../../next && echo new > ../../next/app/app.py && mv ../../site ../../before && mv ../../next ../../site", []string{"."}, "app.py"},
}

func TestChanges(t *testing.T) {
	for _, mode := range []string{ModeInotify, ModePoll} {
		for _, c := range changesOf {
			t.Run(mode+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				root := prepare(t)
				w := watching(t, Spec{Root: root, Paths: c.paths, Ignore: []string{"**/.git/**", ".*.tmp"}, Mode: mode})
				run(t, root, c.script)
				if got := w.next(); got != c.want {
					t.Errorf("told %q, want %q", got, c.want)
				}
				// Whatever stands there now is watched again.
				again := filepath.Join(root, c.want)
				write(t, again, "newer")
				if got := w.next(); got != c.want {
					t.Errorf("then told %q, want %q", got, c.want)
				}
			})
		}
	}
}

// TestNoChange: what does not count is dated so far ahead that it would be named,
// and then something that counts is changed.
func TestNoChange(t *testing.T) {
	cases := []struct{ name, script string }{
		{"chmod", "chmod 600 app.py"},
		{"ignored folder", "echo x > .git/HEAD && touch -d 2030-01-01 .git/HEAD"},
		{"ignored new folder", "mkdir -p lib/.git && echo x > lib/.git/HEAD && touch -d 2030-01-01 lib/.git/HEAD"},
		{"ignored by absolute path", "echo x > log.1 && touch -d 2030-01-01 log.1"},
		{"read", "cat app.py > ../copy"},
		{"beside the root", "echo x > ../other && touch -d 2030-01-01 ../other"},
		{"made and removed", "echo x > 4913 && rm 4913"},
		{"empty folder", "mkdir empty"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := prepare(t)
			w := watching(t, Spec{Root: root, Paths: []string{"."}, Ignore: []string{"**/.git/**", filepath.Join(root, "log") + "*"}})
			run(t, root, c.script)
			run(t, root, "echo new >> lib/a.py")
			if got := w.next(); got != "lib/a.py" {
				t.Errorf("told %q, want lib/a.py", got)
			}
		})
	}
}

func TestReleases(t *testing.T) {
	cases := []struct{ name, current, swap, want string }{
		{"renamed", "releases/1", "ln -s releases/2 next && mv -T next current", "current"},
		{"ln -sfn", "releases/1", "ln -sfn releases/2 current", "current"},
		{"the second of two links", "stable", "ln -sfn releases/2 stable", "stable"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			site := t.TempDir()
			old, next := filepath.Join(site, "releases", "1"), filepath.Join(site, "releases", "2")
			write(t, filepath.Join(old, "app.py"), "x")
			write(t, filepath.Join(next, "app.py"), "x")
			run(t, site, "ln -s releases/1 stable && ln -s "+c.current+" current")
			w := watching(t, Spec{Root: filepath.Join(site, "current"), Paths: []string{"."}})
			run(t, site, c.swap)
			if got := w.next(); got != filepath.Join(site, c.want) {
				t.Errorf("told %q, want %q", got, filepath.Join(site, c.want))
			}
			// The old release is watched no more, the new one is.
			write(t, filepath.Join(old, "app.py"), "changed")
			write(t, filepath.Join(next, "lib", "b.py"), "changed")
			if got := w.next(); got != "lib/b.py" {
				t.Errorf("told %q, want lib/b.py", got)
			}
			w.watcher.call(func() {
				if w.watcher.users[old] != 0 {
					t.Error("the old release is still watched")
				}
			})
		})
	}
}

// TestLinkInATree: the file behind a link counts, the folder behind one does not.
func TestLinkInATree(t *testing.T) {
	root := prepare(t)
	shared := filepath.Join(filepath.Dir(root), "shared")
	write(t, filepath.Join(shared, "env"), "x")
	write(t, filepath.Join(shared, "uploads", "1.png"), "x")
	run(t, root, "ln -s ../shared/env .env && ln -s ../shared/uploads uploads && ln -s . loop")
	w := watching(t, Spec{Root: root, Paths: []string{"."}})
	run(t, root, "echo new > uploads/2.png && echo new > ../shared/env")
	if got := w.next(); got != ".env" {
		t.Errorf("told %q, want .env", got)
	}
	run(t, root, "ln -sfn ../elsewhere uploads")
	if got := w.next(); got != "uploads" {
		t.Errorf("told %q, want uploads", got)
	}
}

// TestManyFiles: 40 new folders fill up while they are watched.
func TestManyFiles(t *testing.T) {
	root := prepare(t)
	w := watching(t, Spec{Root: root, Paths: []string{"."}})
	for i := range 2000 {
		write(t, filepath.Join(root, fmt.Sprintf("many/%d/%d.py", i%40, i)), "x")
	}
	w.next()
	run(t, root, "touch -d 2030-01-01 many/39/1999.py") // else it may be as old as the others
	for w.next() != "many/39/1999.py" {                 // a pause longer than the debounce is the machine's right
		continue
	}
}

func TestSetKeepsAndReplaces(t *testing.T) {
	root := prepare(t)
	other := prepare(t)
	w := watching(t, Spec{Root: root, Paths: []string{"."}})
	spec := Spec{Name: "blog", Root: root, Paths: []string{"."}, Debounce: quiet, Mode: ModeAuto}
	run(t, root, "echo new >> app.py")
	w.watcher.Set([]Spec{spec, {Name: "shop", Root: other, Paths: []string{"."}, Debounce: quiet, Mode: ModeAuto}})
	if got := w.next(); got != "app.py" {
		t.Errorf("a change during Set: told %q, want app.py", got)
	}
	run(t, other, "echo new >> app.py")
	if got := <-w.reports; got != (report{"shop", "app.py"}) {
		t.Errorf("told %v, want shop", got)
	}
	w.watcher.Set(nil)
	w.watcher.call(func() {
		if len(w.watcher.users) != 0 || len(w.watcher.inodes) != 0 {
			t.Errorf("still watched: %v", w.watcher.users)
		}
	})
	w.watcher.Close()
	w.watcher.Set([]Spec{spec}) // and nothing hangs
}
