package watch

import (
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/fsnotify/fsnotify"
)

// target is a Spec being watched. Only the watcher's goroutine touches it.
type target struct {
	spec    Spec
	entries []entry
	known   []files // when a change was last told
	seen    []files // at the last look
	tree    tree
	watched map[string]bool // folders that the kernel watches for it

	polled    string    // why it is polled; empty: the kernel tells
	lastWhy   string    // told once
	nextLook  time.Time // polling only
	burst     debounce
	guard     guard
	lastFault string // told once
}

func newTarget(spec Spec) *target {
	t := &target{spec: spec, tree: newTree(), watched: map[string]bool{}, burst: debounce{quiet: spec.Debounce}}
	for _, path := range spec.Paths {
		t.entries = append(t.entries, newEntry(spec.Root, path))
	}
	t.known = make([]files, len(t.entries))
	if spec.Mode == ModePoll {
		t.polled = "mode is poll"
	}
	return t
}

func (t *target) same(spec Spec) bool { return reflect.DeepEqual(t.spec, spec) }

// complete fills in what is gone altogether with what is known of it: a deploy
// that removes a folder before it brings the new one is one change, told when
// there is something again.
func (t *target) complete(found []files) []files {
	for i := range found {
		if found[i] == nil {
			found[i] = t.known[i]
		}
	}
	return found
}

// next is when something has to be done for it; zero: never.
func (t *target) next() time.Time {
	switch {
	case t.guard.suspended:
		return time.Time{}
	case t.polled != "":
		return earlier(t.nextLook, t.burst.due())
	}
	return t.burst.due()
}

// relevance is what an event means for a target.
type relevance int

const (
	irrelevant relevance = iota
	changes              // a file may have changed
	leads                // the way to the files may lead elsewhere now
)

// judge tells what an event at path means, and which new folders it brings.
func (t *target) judge(path string, op fsnotify.Op) (r relevance, fresh []place) {
	folder, name := filepath.Dir(path), filepath.Base(path)
	written := op.Has(fsnotify.Write) || op.Has(fsnotify.Chmod) // which may be a touch(1); the look tells
	if t.tree.steps[folder][name] {
		if !written {
			return leads, nil
		}
		r = changes
	}
	if t.tree.folders[path] != nil { // it is told of its own end
		r = changes
	}
	for _, p := range t.tree.folders[folder] {
		shown := filepath.Join(p.path, name)
		if t.spec.ignored(shown, path) {
			continue
		}
		e := t.entries[p.entry]
		if e.wants(shown) {
			r = changes
		}
		if written || !e.enters(shown) {
			continue
		}
		if info, err := os.Lstat(path); err != nil { // it may have been a folder
			r = changes
		} else if info.IsDir() {
			r = changes
			fresh = append(fresh, place{shown, p.entry})
		}
	}
	return r, fresh
}
