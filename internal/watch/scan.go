package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// scanner looks at everything that a Spec names.
type scanner struct {
	spec    Spec
	entries []entry
	tree    tree
	files   []files // by entry; nil where its base is not there

	// enter is told of each folder before it is read: what changes afterwards is
	// an event, what changed before is seen.
	enter func(folder string, info os.FileInfo) error
	fault error // the first folder that could not be entered or read
}

// maxLinks is where the kernel gives up too (path_resolution(7)).
const maxLinks = 40

// scan looks at all entries.
func (s *scanner) scan() {
	s.files = make([]files, len(s.entries))
	for i, e := range s.entries {
		found := files{}
		real, info := s.follow(e.base, found)
		if info == nil {
			continue
		}
		s.files[i] = found
		if info.IsDir() {
			s.walk(i, e.base, real, info)
		} else if e.pattern == "" {
			found[e.base] = fingerprintOf(info)
		}
	}
}

// follow resolves path one name at a time and notes each step, for whichever
// name on the way is replaced, the path then leads elsewhere. info is nil if it
// leads nowhere.
func (s *scanner) follow(path string, found files) (real string, info os.FileInfo) {
	at, rest := "/", strings.Split(path, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		s.step(at, name)
		next := filepath.Join(at, name)
		var err error
		if info, err = os.Lstat(next); err != nil {
			return "", nil
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		text, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return "", nil
		}
		found[next] = fingerprint{link: text}
		rest = append(strings.Split(text, "/"), rest...)
		if filepath.IsAbs(text) {
			at = "/"
		}
	}
	info, err := os.Lstat(at) // the last name may have been ".."
	if err != nil {
		return "", nil
	}
	return at, info
}

// step notes a name in a folder on the way. A folder that may be passed but not
// read cannot be watched (inotify(7)): then replacing that name goes unnoticed.
func (s *scanner) step(folder, name string) {
	if s.tree.steps[folder] == nil {
		s.tree.steps[folder] = map[string]bool{}
		if info, err := os.Lstat(folder); err == nil {
			if err := s.enter(folder, info); !errors.Is(err, fs.ErrPermission) {
				s.note(err)
			}
		}
	}
	s.tree.steps[folder][name] = true
}

// walk looks at a folder and all below.
func (s *scanner) walk(entry int, path, real string, info os.FileInfo) {
	here := place{path, entry}
	if slices.Contains(s.tree.folders[real], here) {
		return
	}
	s.tree.folders[real] = append(s.tree.folders[real], here)
	s.note(s.enter(real, info))
	items, err := os.ReadDir(real)
	s.note(err)
	for _, item := range items {
		s.item(entry, filepath.Join(path, item.Name()), filepath.Join(real, item.Name()))
	}
}

// item looks at one name in a folder.
func (s *scanner) item(entry int, path, real string) {
	e := s.entries[entry]
	if s.spec.ignored(path, real) {
		return
	}
	info, err := os.Lstat(real)
	switch {
	case err != nil: // gone since the folder was read
	case info.IsDir():
		if e.enters(path) {
			s.walk(entry, path, real, info)
		}
	case !e.wants(path):
	case info.Mode()&fs.ModeSymlink != 0:
		s.link(entry, path, real)
	case info.Mode().IsRegular():
		s.files[entry][path] = fingerprintOf(info)
	}
}

// link looks at a link within a tree: at the file that it leads to, and for a
// folder only at where it leads. Releases have such links to folders of uploads
// and logs, which are no part of the program.
func (s *scanner) link(entry int, path, real string) {
	text, err := os.Readlink(real)
	if err != nil {
		return
	}
	now := fingerprint{link: text}
	if info, err := os.Stat(real); err == nil && info.Mode().IsRegular() {
		s.follow(real, s.files[entry])
		now = fingerprintOf(info)
		now.link = text
	}
	s.files[entry][path] = now
}

// note keeps the first fault. What has gone in the meantime is none.
func (s *scanner) note(err error) {
	if s.fault == nil && !errors.Is(err, fs.ErrNotExist) {
		s.fault = err
	}
}
