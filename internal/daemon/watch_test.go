package daemon

// Which watches a configuration means, and that changes of one pool wait for each
// other and are merged. Not covered: the reload itself, and that the supervisor's
// own files do not count (internal/e2e).

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/watch"
)

func TestWatchSpecs(t *testing.T) {
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(folder, "[x].log")
	cfg := &config.Config{Supervisor: config.Supervisor{RuntimeDir: filepath.Join(folder, "run")}, Pools: []config.Pool{
		{Name: "blog", Directory: "/srv/blog", Watch: config.Watch{Paths: []string{"."}, Ignore: []string{"**/*~"}, Debounce: time.Second, Mode: config.WatchPoll}},
		{Name: "shop", Directory: "/srv/shop", Log: config.Log{File: log}},
	}}
	specs := watchSpecs(cfg)
	if len(specs) != 1 {
		t.Fatalf("watches %+v, want one of blog", specs)
	}
	s := specs[0]
	if s.Name != "blog" || s.Root != "/srv/blog" || !slices.Equal(s.Paths, []string{"."}) || s.Debounce != time.Second || s.Mode != watch.ModePoll {
		t.Errorf("watch %+v", s)
	}
	for _, want := range []string{"**/*~", filepath.Join(folder, "run"), filepath.Join(folder, `\[x\].log`), filepath.Join(folder, `\[x\].log.[0-9]*`)} {
		if !slices.Contains(s.Ignore, want) {
			t.Errorf("%s is not ignored: %q", want, s.Ignore)
		}
	}
	if len(cfg.Pools[0].Watch.Ignore) != 1 {
		t.Error("the configuration was written to")
	}
}

func TestAChangeDoesNotWaitForTheReloadBefore(t *testing.T) {
	began, finish := make(chan string), make(chan struct{})
	w := &watching{reload: func(_, path string) {
		began <- path
		<-finish
	}}
	for _, path := range []string{"1", "2", "3"} {
		w.changed("blog", path)
		if got := <-began; got != path {
			t.Errorf("reload for %s, want %s", got, path)
		}
	}
	close(finish)
	w.done.Wait()
}
