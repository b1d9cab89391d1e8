package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Rights as in a mode, for one class of users.
const (
	mayRead  = 4
	mayWrite = 2
	mayEnter = 1 // search a folder, execute a file
)

// rightNames are the rights as messages call them.
var rightNames = map[uint32]struct{ adjective, letter string }{
	mayRead: {"readable", "r"}, mayWrite: {"writable", "w"}, mayEnter: {"executable", "x"},
}

// fault is why a path is of no use, and what to do about it.
type fault struct {
	text   string
	remedy string // a command, or empty
}

func (f fault) String() string {
	if f.remedy == "" {
		return f.text
	}
	return f.text + "; try: " + f.remedy
}

// may computes what the kernel would answer, from owner, mode and access control list:
// nobody's credentials are changed.
func (a account) may(path string, info os.FileInfo, right uint32) bool {
	stat := info.Sys().(*syscall.Stat_t)
	mode := uint32(info.Mode().Perm())
	list := accessList(path)
	switch {
	case a.uid == 0:
		// CAP_DAC_OVERRIDE: all but executing a file without any x (path_resolution(7)).
		return right != mayEnter || info.IsDir() || mode&0o111 != 0
	case list != nil:
		return a.allowed(list, stat, right)
	}
	return mode>>a.class(stat)&right == right
}

// class is how far the bits that count for a are shifted: only those of the
// first class that fits count, even when a later one would give more.
func (a account) class(stat *syscall.Stat_t) uint32 {
	switch {
	case stat.Uid == a.uid:
		return 6
	case a.in(stat.Gid):
		return 3
	}
	return 0
}

// refused says that a lacks a right on path, with a command that gives it.
func (a account) refused(path string, info os.FileInfo, right uint32) fault {
	stat := info.Sys().(*syscall.Stat_t)
	adjective, letter := rightNames[right].adjective, rightNames[right].letter
	if info.IsDir() && right == mayEnter {
		adjective = "searchable"
	}
	if a.uid != 0 && accessList(path) != nil {
		return fault{
			text:   fmt.Sprintf("%s is not %s by user %s: its access control list does not allow it", path, adjective, a.name),
			remedy: fmt.Sprintf("setfacl -m u:%s:%s %s; see getfacl %s", a.name, map[string]string{"r": "r", "w": "rw", "x": "rx"}[letter], path, path),
		}
	}
	who := map[uint32]string{6: "u", 3: "g", 0: "o"}[a.class(stat)]
	if a.uid == 0 {
		who = "a"
	}
	return fault{
		text: fmt.Sprintf("%s is not %s by user %s (%s %s %s)", path, adjective, a.name,
			info.Mode(), userName(stat.Uid), groupName(stat.Gid)),
		remedy: fmt.Sprintf("chmod %s+%s %s", who, letter, path),
	}
}

// maxLinks is how many symbolic links the kernel follows (path_resolution(7)).
const maxLinks = 40

// walk goes from / to path as a would, link by link, and returns the real path.
// A fault names the very component that stops it.
func (a account) walk(path string) (string, os.FileInfo, *fault) {
	here, links := "/", 0
	rest := strings.Split(path, "/")
	info, err := os.Lstat(here)
	for err == nil && len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		if !info.IsDir() {
			return "", nil, &fault{text: here + " is not a folder"}
		}
		if !a.may(here, info, mayEnter) {
			f := a.refused(here, info, mayEnter)
			return "", nil, &f
		}
		next := filepath.Join(here, name)
		if info, err = os.Lstat(next); err != nil {
			here = next
			break
		}
		if info.Mode()&os.ModeSymlink == 0 {
			here = next
			continue
		}
		if links++; links > maxLinks {
			return "", nil, &fault{text: path + " leads through too many symbolic links"}
		}
		target, linkErr := os.Readlink(next)
		if linkErr != nil {
			return "", nil, &fault{text: fmt.Sprintf("read the link %s: %v", next, reason(linkErr))}
		}
		if filepath.IsAbs(target) {
			here = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
		info, err = os.Lstat(here)
	}
	return here, info, a.missing(path, here, err)
}

// missing says what err means, which looking at here gave.
func (a account) missing(path, here string, err error) *fault {
	through := ""
	if here != filepath.Clean(path) {
		through = " (on the way to " + path + ")"
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrNotExist):
		return &fault{text: here + " does not exist" + through}
	}
	return &fault{text: fmt.Sprintf("look at %s: %v", here, reason(err))}
}

// folder checks that path is a folder on which a has a right.
func (a account) folder(path string, right uint32) *fault {
	here, info, f := a.walk(path)
	switch {
	case f != nil:
		return f
	case !info.IsDir():
		return &fault{text: path + " is not a folder"}
	case !a.may(here, info, mayEnter):
		refused := a.refused(here, info, mayEnter)
		return &refused
	case !a.may(here, info, right):
		refused := a.refused(here, info, right)
		return &refused
	}
	return nil
}
