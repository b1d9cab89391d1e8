package dev

// What a request is told in each state of the pool, what is kept back of an
// answer, which files are sent, what of the output. Not covered: a whole dev, with
// a browser, which internal/e2e has; keys, likewise.

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fcgi-supervisor/supervisor"
)

func TestJudge(t *testing.T) {
	early, late := time.Unix(100, 0), time.Unix(200, 0)
	ready := []*supervisor.WorkerStatus{{Phase: supervisor.PhaseReady}}
	failed := &supervisor.Failure{At: early, Text: "no module"}
	for name, c := range map[string]struct {
		pool supervisor.PoolStatus
		want string // part of the failure; "": none
		wait bool
	}{
		"starting":                        {supervisor.PoolStatus{}, "", true},
		"running":                         {supervisor.PoolStatus{Workers: ready}, "", false},
		"never started":                   {supervisor.PoolStatus{Failures: 1, LastFailure: failed}, "no module", false},
		"recovered":                       {supervisor.PoolStatus{LastFailure: failed, Workers: ready}, "", false},
		"reloading":                       {supervisor.PoolStatus{Workers: ready, LastReload: &supervisor.ReloadStatus{At: late}}, "", true},
		"reload failed, the old serves":   {supervisor.PoolStatus{Workers: ready, LastReload: &supervisor.ReloadStatus{Result: "failed", Text: "syntax"}}, "syntax", false},
		"reload good":                     {supervisor.PoolStatus{Workers: ready, LastReload: &supervisor.ReloadStatus{Result: "ok"}}, "", false},
		"saved after a failure":           {supervisor.PoolStatus{Failures: 1, LastFailure: failed, LastReload: &supervisor.ReloadStatus{At: late}}, "", true},
		"failed again, still no good one": {supervisor.PoolStatus{Failures: 2, LastFailure: &supervisor.Failure{At: late, Text: "again"}, LastReload: &supervisor.ReloadStatus{At: early}}, "again", false},
		"all crashed, being replaced":     {supervisor.PoolStatus{LastReload: &supervisor.ReloadStatus{Result: "ok"}}, "", true},
	} {
		f, wait := judge(&c.pool)
		text := ""
		if f != nil {
			text = f.text
		}
		if wait != c.wait || text != c.want {
			t.Errorf("%s: failure %q, wait %v; want %q, %v", name, text, wait, c.want, c.wait)
		}
	}
}

func TestAnswersKeptBack(t *testing.T) {
	for _, c := range []struct {
		hold   bool
		status int
		kept   bool
	}{{true, 500, true}, {true, 503, true}, {true, 404, false}, {true, 200, false}, {false, 500, false}} {
		w := httptest.NewRecorder()
		h := &holder{ResponseWriter: w, hold: c.hold}
		h.Header().Set("X-Own", "1")
		h.WriteHeader(c.status)
		fmt.Fprint(h, "text")
		h.Flush()
		if h.holding != c.kept || (w.Body.String() == "") != c.kept || (h.text() == "text") != c.kept || (w.Header().Get("X-Own") == "") != c.kept {
			t.Errorf("%+v: holding %v, sent %q, kept %q, headers %v", c, h.holding, w.Body, h.text(), w.Header())
		}
	}
}

func TestFilesThatAreSent(t *testing.T) {
	folder := t.TempDir()
	public := filepath.Join(folder, "public")
	for name, text := range map[string]string{"public/a b.css": "css", "public/.env": "secret", "public/sub/.git/x": "secret",
		"public/.well-known/x": "known", "public/.well-known/.x": "secret", "app.py": "secret"} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../app.py", filepath.Join(public, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(public)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f := &front{prefix: "/app", files: root}
	for target, want := range map[string]string{
		"/app/a%20b.css": "css", "/app/.well-known/x": "known",
		"/app/.env": "", "/app/%2eenv": "", "/app/sub/.git/x": "", "/app/.well-known/.x": "", "/app/../app.py": "", "/app/..%2fapp.py": "",
		"/app/link": "", "/app/sub": "", "/app/": "", "/app": "", "/a%20b.css": "", "/applea%20b.css": "", "/app/none": "", "/app/a%00b": "",
	} {
		w := httptest.NewRecorder()
		sent := f.sendFile(w, httptest.NewRequest(http.MethodGet, target, nil))
		if sent != (want != "") || w.Body.String() != want {
			t.Errorf("%s: sent %v, %q; want %q", target, sent, w.Body, want)
		}
	}
	if f.sendFile(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/app/a%20b.css", nil)) {
		t.Error("POST was answered with a file")
	}
}

func TestOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutput()
		for i := range kept + 10 {
			o.add(fmt.Sprint(i))
		}
		from := o.end()
		answer := make(chan []string)
		go func() { answer <- o.since(from, outputPause) }()
		synctest.Wait() // it waits for a line, which is late
		o.add("late")
		if got := <-answer; !slices.Equal(got, []string{"late"}) {
			t.Errorf("since %d: %q", from, got)
		}
		if got := o.since(0, outputPause); len(got) != kept || got[kept-1] != "late" || got[0] != "11" {
			t.Errorf("all: %d lines from %q to %q", len(got), got[0], got[len(got)-1])
		}
		if got := o.since(o.end(), outputPause); len(got) != 0 {
			t.Errorf("nothing new: %q", got)
		}
	})
}

func TestConfiguration(t *testing.T) {
	t.Setenv("SECRET_OF_MINE", "x")
	t.Setenv("NOTIFY_SOCKET", "/x")
	folder := t.TempDir()
	cfg, err := configure(Options{Command: []string{"sh", "app"}, Values: map[string][]string{"processes": {"7"}}}, folder)
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.Pools[0]
	present, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if p.Processes != 7 || p.Directory != present || !slices.Equal(p.Watch.Paths, []string{"."}) || !strings.HasSuffix(p.Command[0], "/sh") {
		t.Errorf("%+v", p)
	}
	if !slices.Contains(p.InheritEnvironment, "SECRET_OF_MINE") || slices.Contains(p.InheritEnvironment, "NOTIFY_SOCKET") {
		t.Errorf("inherits %q", p.InheritEnvironment)
	}
	if _, err := configure(Options{}, folder); err == nil {
		t.Error("no command is taken")
	}
}
