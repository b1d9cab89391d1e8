package watch

// The end of a burst, the guard against loops, patterns, and which change is
// named. Not covered: that the loop acts on them; loop_test.go does that.

import (
	"testing"
	"time"
)

func TestBurst(t *testing.T) {
	start := time.Unix(1000, 0)
	cases := []struct {
		name    string
		quiet   time.Duration
		touches []time.Duration // after start
		want    time.Duration   // after start; below 0: never
	}{
		{"none", time.Second, nil, -1},
		{"one", 300 * time.Millisecond, []time.Duration{0}, 300 * time.Millisecond},
		{"each begins the wait anew", 300 * time.Millisecond, []time.Duration{0, 200 * time.Millisecond}, 500 * time.Millisecond},
		{"not beyond the longest wait", 300 * time.Millisecond, []time.Duration{0, 4900 * time.Millisecond}, longestWait},
		{"a debounce beyond the longest wait", 10 * time.Second, []time.Duration{0, time.Second}, 10 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := debounce{quiet: c.quiet}
			for _, at := range c.touches {
				d.touch(start.Add(at))
			}
			if got := d.due(); c.want < 0 && !got.IsZero() || c.want >= 0 && !got.Equal(start.Add(c.want)) {
				t.Errorf("due %v after the start, want %v", got.Sub(start), c.want)
			}
			if d.clear(); !d.due().IsZero() {
				t.Error("due after clear")
			}
		})
	}
}

func TestGuard(t *testing.T) {
	cases := []struct {
		name  string
		pause time.Duration
		tries int
		want  int // how many are allowed
	}{
		{"ten a minute", 6 * time.Second, 100, 100},
		{"one too many", 5 * time.Second, 11, 10},
		{"ten at once", 0, 10, 10},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var g guard
			now, allowed := time.Unix(1000, 0), 0
			for range c.tries {
				if g.allow(now) {
					allowed++
				}
				now = now.Add(c.pause)
			}
			if allowed != c.want || g.suspended != (allowed < c.tries) {
				t.Errorf("allowed %d of %d, suspended %t; want %d", allowed, c.tries, g.suspended, c.want)
			}
		})
	}
}

func TestEntries(t *testing.T) {
	cases := []struct {
		path, file    string
		wants, enters bool // enters: as if file were a folder
	}{
		{".", "/srv/app/a/b", true, true},
		{"lib", "/srv/app/lib/b", true, true},
		{"*.py", "/srv/app/a.py", true, false},
		{"*.py", "/srv/app/lib/a.py", false, false},
		{"lib/*/x.py", "/srv/app/lib/a", false, true},
		{"lib/*/x.py", "/srv/app/lib/a/x.py", true, false},
		{"lib/*/x.py", "/srv/app/lib/a/b", false, false},
		{"**/*.py", "/srv/app/a.py", true, true},
		{"**/*.py", "/srv/app/a/b.py", true, true},
		{"**/*.py", "/srv/app/a/b.txt", false, true},
		{"*.{py,html}", "/srv/app/a.html", true, false},
		{"/etc/app/*.ini", "/etc/app/a.ini", true, false},
		{"/etc/app", "/etc/app/deep/a.ini", true, true},
	}
	for _, c := range cases {
		e := newEntry("/srv/app", c.path)
		if e.wants(c.file) != c.wants || e.enters(c.file) != c.enters {
			t.Errorf("%s: wants %s %t, enters %t; want %t, %t", c.path, c.file, e.wants(c.file), e.enters(c.file), c.wants, c.enters)
		}
	}
}

func TestIgnored(t *testing.T) {
	cases := []struct {
		pattern, path, real string
		want                bool
	}{
		{"**/.git/**", "/srv/app/.git", "", true},
		{"**/.git/**", "/srv/app/lib/.git", "", true},
		{"**/.git/**", "/srv/app/git", "", false},
		{"**/*.pyc", "/srv/app/a.pyc", "", true},
		{"**/.*.sw?", "/srv/app/lib/.a.py.swp", "", true},
		{"**/*~", "/srv/app/a~", "", true},
		{"cache", "/srv/app/cache", "", true},
		{"cache", "/srv/app/lib/cache", "", false},
		{"cache/*.tmp", "/srv/app/cache/x.tmp", "", true},
		{"**/*.pyc", "/etc/app/a.pyc", "", true},
		{"/var/log/x.log*", "/srv/app/log/x.log.1", "/var/log/x.log.1", true},
		{Escape("/srv/[x]/a*") + "*", "/srv/[x]/a*.1", "", true},
		{Escape("/srv/[x]/a*"), "/srv/x/ab", "", false},
	}
	for _, c := range cases {
		if got := (Spec{Root: "/srv/app", Ignore: []string{c.pattern}}).ignored(c.path, c.real); got != c.want {
			t.Errorf("%s ignores %s: %t, want %t", c.pattern, c.path, got, c.want)
		}
	}
}

func TestDifference(t *testing.T) {
	cases := []struct {
		name          string
		before, after files
		want          string
	}{
		{"none", files{"a": {size: 1}}, files{"a": {size: 1}}, ""},
		{"size", files{"a": {size: 1}}, files{"a": {size: 2}}, "a"},
		{"inode", files{"a": {inode: 1}}, files{"a": {inode: 2}}, "a"},
		{"came", files{}, files{"a": {}}, "a"},
		{"went", files{"a": {}}, files{}, "a"},
		{"the newest", files{}, files{"a": {changed: 1}, "b": {changed: 3}, "c": {changed: 2}}, "b"},
		{"one that is there", files{"a": {}}, files{"b": {changed: 1}}, "b"},
		{"the first of equals", files{}, files{"b": {changed: 1}, "a": {changed: 1}}, "a"},
		{"a link before all", files{"l": {link: "1"}}, files{"l": {link: "2"}, "a": {changed: 9}}, "l"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := difference([]files{c.before}, []files{c.after}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
