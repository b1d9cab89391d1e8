package watch

import (
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Escape is path as a pattern that matches nothing else.
func Escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`).Replace(path)
}

// entry is one of Spec.Paths: where it begins, and what counts below.
type entry struct {
	base    string // absolute, as configured: links are not resolved
	pattern string // relative to base; empty: everything
	depth   int    // how many names the pattern is long; 0: any number
}

func newEntry(root, path string) entry {
	if strings.ContainsAny(path, `*?[{\`) {
		base, pattern := doublestar.SplitPattern(path)
		e := entry{base: absolute(root, base), pattern: pattern}
		if !strings.Contains(pattern, "**") {
			e.depth = 1 + strings.Count(pattern, "/")
		}
		return e
	}
	return entry{base: absolute(root, path)}
}

// wants tells whether a file at path counts.
func (e entry) wants(path string) bool {
	return e.pattern == "" || doublestar.MatchUnvalidated(e.pattern, below(e.base, path))
}

// enters tells whether anything below the folder path could count.
func (e entry) enters(path string) bool {
	return e.depth == 0 || path == e.base || 1+strings.Count(below(e.base, path), "/") < e.depth
}

// ignored tells whether path, also known as real, is not to be looked at.
func (s Spec) ignored(path, real string) bool {
	relative := strings.TrimPrefix(below(s.Root, path), "/")
	for _, pattern := range s.Ignore {
		if !filepath.IsAbs(pattern) {
			if doublestar.MatchUnvalidated(pattern, relative) {
				return true
			}
		} else if doublestar.MatchUnvalidated(pattern, path) || doublestar.MatchUnvalidated(pattern, real) {
			return true
		}
	}
	return false
}

// absolute is path, which may be relative to root.
func absolute(root, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(root, path)
}

// below is path relative to folder, or as it is where it is not below it.
func below(folder, path string) string {
	if rest, ok := strings.CutPrefix(path, strings.TrimSuffix(folder, "/")+"/"); ok {
		return rest
	}
	return path
}
