package watch

import "os"

// fingerprint tells one state of a file from another. Mode, owner and the time
// of the last read are no part of it.
type fingerprint struct {
	size    int64
	changed int64  // when its content was, in nanoseconds since 1970
	inode   uint64 // an atomic save makes a new one
	link    string // where it leads, of a symbolic link
}

// files are fingerprints by path.
type files map[string]fingerprint

func fingerprintOf(info os.FileInfo) fingerprint {
	return fingerprint{size: info.Size(), changed: info.ModTime().UnixNano(), inode: inodeOf(info)}
}

// difference names one path that differs, empty if none does. A link that leads
// elsewhere comes first, because it explains all the rest; then what was written
// last.
func difference(before, after []files) string {
	best, found := "", fingerprint{}
	for i := range after {
		for path, now := range after[i] {
			if old, known := before[i][path]; !known || old != now {
				best, found = better(best, found, path, now)
			}
		}
		for path, old := range before[i] {
			if _, there := after[i][path]; !there {
				best, found = better(best, found, path, fingerprint{link: old.link})
			}
		}
	}
	return best
}

// better chooses between two paths that differ.
func better(path string, f fingerprint, other string, g fingerprint) (string, fingerprint) {
	switch {
	case path == "":
	case (f.link != "") != (g.link != ""):
		if f.link != "" {
			return path, f
		}
	case f.changed != g.changed:
		if f.changed > g.changed {
			return path, f
		}
	case path < other:
		return path, f
	}
	return other, g
}

// place is a folder as one entry came to it.
type place struct {
	path  string // as configured
	entry int
}

// tree is where a target looks: what the kernel is to tell us of.
type tree struct {
	folders map[string][]place         // whole folders, by real path
	steps   map[string]map[string]bool // names on the way to them, by the real path of the folder that holds them
}

func newTree() tree { return tree{map[string][]place{}, map[string]map[string]bool{}} }
