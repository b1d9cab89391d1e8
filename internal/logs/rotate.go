package logs

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// rotate moves the full file away and begins a new one. When it fails, the file
// that is open stays in use.
func (f *File) rotate() error {
	ours, err := f.check()
	if err != nil {
		return fmt.Errorf("rotate log %s: %w", f.path, err)
	}
	if ours && f.size > 0 {
		if err := f.moveAway(); err != nil {
			return fmt.Errorf("rotate log %s: %w", f.path, err)
		}
	}
	if ours && f.size == 0 {
		return nil
	}
	return f.reopen()
}

// check says whether the path still names the file we write to: somebody may
// have moved it without telling us, and the file in its place is not ours to
// move. A file that was emptied in place (`> blog.log`) begins again at 0.
func (f *File) check() (ours bool, err error) {
	var open, named unix.Stat_t
	if err := unix.Fstat(f.fd, &open); err != nil {
		return false, err
	}
	if open.Size < f.size {
		f.size = open.Size
	}
	err = unix.Lstat(f.path, &named)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil && named.Dev == open.Dev && named.Ino == open.Ino, err
}

// moveAway renames path to path.1 and what was there one further, up to the
// first number that is free: after a rotation that failed half-way the old files
// are not moved, and lost at the end of the row, a second time.
func (f *File) moveAway() error {
	if f.maxFiles <= 0 {
		return unix.Unlink(f.path)
	}
	free := 1
	for free < f.maxFiles && exists(f.old(free)) {
		free++
	}
	for ; free > 0; free-- {
		if err := unix.Rename(f.old(free-1), f.old(free)); err != nil {
			return err
		}
	}
	return nil
}

// old is the name of the file that is n rotations old.
func (f *File) old(n int) string {
	if n == 0 {
		return f.path
	}
	return fmt.Sprintf("%s.%d", f.path, n)
}

func exists(path string) bool {
	var info unix.Stat_t
	return unix.Lstat(path, &info) == nil
}
