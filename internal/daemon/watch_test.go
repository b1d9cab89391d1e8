package daemon

// Which watches a configuration means, and that changes of one pool wait for each
// other and are merged. Not covered: the reload itself, and that the supervisor's
// own files do not count (internal/e2e).

import (
	"context"
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

func TestChangesAreMerged(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	began, finish := make(chan [2]string), make(chan struct{})
	w := &watching{ctx: ctx, queues: map[string]chan string{}, reload: func(pool, path string) {
		began <- [2]string{pool, path}
		<-finish
	}}
	want := func(pool, path string) {
		t.Helper()
		if got := <-began; got != [2]string{pool, path} {
			t.Errorf("reload of %v, want %s for %s", got, pool, path)
		}
	}
	w.changed("blog", "1")
	want("blog", "1")
	for _, path := range []string{"2", "3", "4"} {
		w.changed("blog", path)
	}
	w.changed("shop", "5") // does not wait for blog
	want("shop", "5")
	finish <- struct{}{}
	finish <- struct{}{}
	want("blog", "4")
	finish <- struct{}{}
	cancel()
	w.done.Wait()
}
