package watch

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// pollShare is how many times longer than a look the pause after it is at least,
// so that polling a huge tree costs a twentieth of one processor.
const pollShare = 20

// look reads everything that t names, and has the kernel watch exactly that.
func (w *Watcher) look(t *target) []files {
	began := time.Now()
	held := map[string]bool{}
	s := w.scanner(t, held)
	s.scan()
	t.tree = s.tree
	if t.polled != "" {
		held = nil
	}
	w.release(t, held)
	now := time.Now()
	t.nextLook = now.Add(max(w.machine.pause, pollShare*now.Sub(began)))
	w.complain(t, s.fault)
	return t.complete(s.files)
}

// grow has the kernel watch folders that are new, without waiting for the end of
// the burst: else a long copy would look like silence.
func (w *Watcher) grow(t *target, fresh []place, real string) {
	info, err := os.Lstat(real)
	if err != nil {
		return
	}
	s := w.scanner(t, map[string]bool{})
	s.files = make([]files, len(t.entries))
	for _, p := range fresh {
		s.files[p.entry] = files{}
		s.walk(p.entry, p.path, real, info)
	}
	maps.Copy(t.tree.folders, s.tree.folders)
	for folder, names := range s.tree.steps {
		if t.tree.steps[folder] == nil {
			t.tree.steps[folder] = map[string]bool{}
		}
		maps.Copy(t.tree.steps[folder], names)
	}
}

// scanner makes one whose folders are watched for t and noted in held.
func (w *Watcher) scanner(t *target, held map[string]bool) *scanner {
	return &scanner{spec: t.spec, entries: t.entries, tree: newTree(), enter: func(folder string, info os.FileInfo) error {
		if held[folder] {
			return nil
		}
		held[folder] = true
		return w.acquire(t, folder, info)
	}}
}

// acquire has the kernel watch a folder for t. It asks even for one that should
// be watched already, because the kernel forgets those that were removed.
func (w *Watcher) acquire(t *target, folder string, info os.FileInfo) error {
	if t.spec.Mode == ModeAuto && t.polled == "" {
		if kind := w.kindAt(folder, info); kind != "" {
			w.poll(t, eventlessText(folder, kind))
		}
	}
	if t.polled != "" {
		return nil
	}
	err := w.add(folder, inodeOf(info))
	if text := limitText(err); text != "" {
		w.poll(t, text)
		return nil
	}
	if err == nil && !t.watched[folder] {
		t.watched[folder] = true
		w.users[folder]++
	}
	if err != nil {
		return fmt.Errorf("watch %s: %w", folder, err)
	}
	return nil
}

// add watches folder. A watch follows the inode: where another folder has taken
// the name, the watch of the old one must go first, or it stays for ever.
func (w *Watcher) add(folder string, inode uint64) error {
	if w.kernel == nil {
		kernel, err := w.machine.open()
		if err != nil {
			return err
		}
		w.kernel = kernel
	}
	if before, ok := w.inodes[folder]; ok && before != inode {
		_ = w.kernel.remove(folder) // the kernel may have done so itself
	}
	if err := w.kernel.add(folder); err != nil {
		return err
	}
	w.inodes[folder] = inode
	return nil
}

// release gives up all folders of t but those in held.
func (w *Watcher) release(t *target, held map[string]bool) {
	for folder := range t.watched {
		if held[folder] {
			continue
		}
		delete(t.watched, folder)
		if w.users[folder]--; w.users[folder] == 0 {
			delete(w.users, folder)
			delete(w.inodes, folder)
			_ = w.kernel.remove(folder) // the kernel may have done so itself
		}
	}
}

// kindAt is what eventless says of the file system of folder.
func (w *Watcher) kindAt(folder string, info os.FileInfo) string {
	device := deviceOf(info)
	kind, known := w.kinds[device]
	if !known {
		kind = w.machine.eventless(folder)
		w.kinds[device] = kind
	}
	return kind
}

func (w *Watcher) poll(t *target, why string) {
	t.polled = why
	if why == t.lastWhy {
		return
	}
	t.lastWhy = why
	w.log.Warn(fmt.Sprintf("watch of %s: looking at the files every second: %s", t.spec.Name, why))
}

// complain tells a fault of looking, once until it is another.
func (w *Watcher) complain(t *target, fault error) {
	if fault == nil {
		t.lastFault = ""
		return
	}
	if text := fault.Error(); text != t.lastFault {
		t.lastFault = text
		w.log.Warn(fmt.Sprintf("watch of %s does not see everything: %s", t.spec.Name, text))
	}
}

// event takes one event of the kernel.
func (w *Watcher) event(e fsnotify.Event) {
	if e.Name == "" { // fsnotify 1.10 sends nameless ones for what it keeps to itself
		return
	}
	path := filepath.Clean(e.Name)
	for _, t := range w.targets {
		if t.guard.suspended || t.polled != "" {
			continue
		}
		relevance, fresh := t.judge(path, e.Op)
		switch {
		case relevance == irrelevant:
			continue
		case relevance == leads:
			w.look(t) // for its watches; the files are compared at the end of the burst
		case len(fresh) > 0:
			w.grow(t, fresh, path)
		}
		t.burst.touch(time.Now())
	}
}

// fault takes an error of inotify. After an overflow of its queue (inotify(7),
// max_queued_events) anything may have changed.
func (w *Watcher) fault(err error) {
	w.log.Warn("watch: events were lost, looking at all files", "err", err)
	w.lookAtAll()
}

// mountsChanged: a folder may be another now, or be on another file system.
func (w *Watcher) mountsChanged() {
	clear(w.kinds)
	for _, t := range w.targets {
		if t.spec.Mode != ModePoll {
			t.polled = ""
		}
	}
	w.lookAtAll()
}

func (w *Watcher) lookAtAll() {
	for _, t := range w.targets {
		t.burst.touch(time.Now())
	}
}

// tick does what is due.
func (w *Watcher) tick(now time.Time) {
	for _, t := range slices.Clone(w.targets) {
		if next := t.next(); next.IsZero() || next.After(now) {
			continue
		}
		found := w.look(t)
		moved := t.polled != "" && difference(t.seen, found) != ""
		t.seen = found
		if moved {
			t.burst.touch(now)
		}
		if due := t.burst.due(); !due.IsZero() && !due.After(now) {
			w.settle(t, found, now)
		}
	}
}

// settle is the end of a burst: if it has changed anything, that is told.
func (w *Watcher) settle(t *target, found []files, now time.Time) {
	t.burst.clear()
	path := difference(t.known, found)
	if path == "" {
		return
	}
	t.known = found
	path = below(t.spec.Root, path)
	if !t.guard.allow(now) {
		w.log.Error(fmt.Sprintf("watch of %[1]s suspended: %[2]d changes a minute, the last was %[3]s; add it to ignore, then: fcgi-supervisor reload %[1]s",
			t.spec.Name, guardChanges, path))
		return
	}
	w.changed(t.spec.Name, path)
}
