package watch

// The loop on virtual time, with real files and a kernel that is a few lines: the
// tests play its events. Not covered: the real kernel; files_test.go does that.

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// stage is a watcher on virtual time.
type stage struct {
	t       *testing.T
	root    string
	events  chan fsnotify.Event
	faults  chan error
	mounted chan struct{}
	openErr error
	addErr  error
	kind    string // of the file system
	log     bytes.Buffer
	watcher *Watcher
	told    []string
	at      []time.Duration // when, after the start
}

// play runs a scene in a bubble. set makes the stage before the watch begins.
func play(t *testing.T, set func(*stage), scene func(*stage)) {
	root := prepare(t)
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, root: root, events: make(chan fsnotify.Event), faults: make(chan error), mounted: make(chan struct{})}
		if set != nil {
			set(s)
		}
		start := time.Now()
		s.watcher = newWatcher(func(_, path string) {
			s.told, s.at = append(s.told, path), append(s.at, time.Since(start))
		}, slog.New(slog.NewTextHandler(&s.log, nil)), machine{
			open: func() (*kernel, error) {
				none := func() error { return nil }
				return &kernel{s.events, s.faults, func(string) error { return s.addErr }, func(string) error { return nil }, none}, s.openErr
			},
			eventless: func(string) string { return s.kind },
			mounts:    func() (<-chan struct{}, func()) { return s.mounted, func() {} },
			pause:     time.Second,
		})
		s.watcher.Set([]Spec{{Name: "blog", Root: root, Paths: []string{"."}, Debounce: 300 * time.Millisecond, Mode: ModeAuto}})
		scene(s)
		s.watcher.Close()
	})
}

// save writes a file; the kernel tells of it.
func (s *stage) save(name, text string) {
	write(s.t, filepath.Join(s.root, name), text)
	s.events <- fsnotify.Event{Name: filepath.Join(s.root, name), Op: fsnotify.Write}
}

// pass lets time pass, which in the bubble takes none. The empty calls put what
// the test and the loop share in order, for the race detector.
func (s *stage) pass(d time.Duration) {
	s.watcher.call(func() {})
	time.Sleep(d)
	synctest.Wait()
	s.watcher.call(func() {})
}

func (s *stage) want(paths ...string) {
	s.t.Helper()
	if !slices.Equal(s.told, paths) {
		s.t.Errorf("told %q at %v, want %q", s.told, s.at, paths)
	}
}

func (s *stage) wantLog(text string, times int) {
	s.t.Helper()
	if got := strings.Count(s.log.String(), text); got != times {
		s.t.Errorf("%d times %q in the log, want %d:\n%s", got, text, times, &s.log)
	}
}

func TestBurstIsToldOnceAfterItsEnd(t *testing.T) {
	play(t, nil, func(s *stage) {
		for _, text := range []string{"1", "12", "123"} {
			s.save("app.py", text)
			s.pass(299 * time.Millisecond)
		}
		s.want()
		s.pass(time.Minute)
		s.want("app.py")
		if want := 898 * time.Millisecond; s.at[0] != want {
			t.Errorf("told after %v, want %v", s.at[0], want)
		}
	})
}

func TestBurstWithoutEndIsToldAfterTheLongestWait(t *testing.T) {
	play(t, nil, func(s *stage) {
		for i := range 60 {
			s.save("app.py", strings.Repeat("x", i+4))
			s.pass(100 * time.Millisecond)
		}
		s.want("app.py")
		if s.at[0] != longestWait {
			t.Errorf("told after %v, want %v", s.at[0], longestWait)
		}
	})
}

func TestPutBackIsNoChange(t *testing.T) {
	play(t, nil, func(s *stage) {
		s.events <- fsnotify.Event{Name: filepath.Join(s.root, "app.py"), Op: fsnotify.Write}
		s.pass(time.Minute)
		s.want()
	})
}

func TestLostEvents(t *testing.T) {
	play(t, nil, func(s *stage) {
		write(t, filepath.Join(s.root, "app.py"), "unheard")
		s.faults <- fsnotify.ErrEventOverflow
		s.pass(time.Second)
		s.want("app.py")
		s.wantLog("events were lost", 1)
	})
}

func TestLoopIsSuspended(t *testing.T) {
	const words = "watch of blog suspended: 10 changes a minute, the last was cache/x.tmp; add it to ignore, then: fcgi-supervisor reload blog"
	play(t, func(s *stage) { write(t, filepath.Join(s.root, "cache", "x.tmp"), "") }, func(s *stage) {
		text := ""
		loop := func(times int) {
			for range times {
				text += "x"
				s.save("cache/x.tmp", text)
				s.pass(time.Second)
			}
		}
		loop(30)
		if len(s.told) != guardChanges {
			t.Errorf("told %d times, want %d", len(s.told), guardChanges)
		}
		s.wantLog(words, 1)

		s.watcher.Resume("shop") // another
		loop(1)
		if len(s.told) != guardChanges {
			t.Error("resumed by the name of another")
		}
		s.watcher.Resume("blog")
		s.pass(time.Minute)
		if len(s.told) != guardChanges {
			t.Error("what changed while suspended was told")
		}
		loop(1)
		if len(s.told) != guardChanges+1 {
			t.Errorf("told %d times after Resume, want %d", len(s.told), guardChanges+1)
		}
	})
}

func TestPolling(t *testing.T) {
	cases := []struct {
		name string
		set  func(*stage)
		says string
	}{
		{"no more watches", func(s *stage) { s.addErr = syscall.ENOSPC }, "sysctl fs.inotify.max_user_watches"},
		{"no more instances", func(s *stage) { s.openErr = syscall.EMFILE }, "sysctl fs.inotify.max_user_instances"},
		{"no events", func(s *stage) { s.kind = "NFS" }, "is on NFS, which tells of no changes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			play(t, c.set, func(s *stage) {
				s.wantLog(c.says, 1)
				write(t, filepath.Join(s.root, "new", "a.py"), "x")
				s.pass(2 * time.Second)
				s.want("new/a.py")
				if len(s.watcher.users) != 0 {
					t.Errorf("watched all the same: %v", s.watcher.users)
				}
				s.pass(time.Minute)
				s.want("new/a.py")
				s.wantLog(c.says, 1)
			})
		})
	}
}

func TestPollingWaitsForTheEndOfACopy(t *testing.T) {
	play(t, func(s *stage) { s.kind = "NFS" }, func(s *stage) {
		s.pass(500 * time.Millisecond)
		write(t, filepath.Join(s.root, "a.py"), "x")
		s.pass(600 * time.Millisecond) // seen at 1 s, due at 1.3 s
		write(t, filepath.Join(s.root, "b.py"), "x")
		s.pass(300 * time.Millisecond)
		s.want()
		s.pass(time.Second)
		if len(s.told) != 1 {
			t.Errorf("told %q, want one change", s.told)
		}
	})
}

func TestMountedOver(t *testing.T) {
	play(t, nil, func(s *stage) {
		write(t, filepath.Join(s.root, "app.py"), "of another file system")
		s.kind = "NFS"
		s.mounted <- struct{}{}
		s.pass(time.Second)
		s.want("app.py")
		s.wantLog("is on NFS", 1)
		write(t, filepath.Join(s.root, "app.py"), "seen by looking")
		s.pass(2 * time.Second)
		s.want("app.py", "app.py")
	})
}

func TestFolderThatCannotBeWatched(t *testing.T) {
	play(t, func(s *stage) { s.addErr = errors.New("no such luck") }, func(s *stage) {
		s.wantLog("watch of blog does not see everything: watch", 1)
		s.save("app.py", "newer")
		s.pass(time.Second)
		s.want("app.py")
		s.wantLog("does not see everything", 1)
	})
}
