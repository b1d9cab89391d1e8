package config

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// checkTrust refuses, when we are root, a file that somebody else could change:
// its commands would run with our rights.
func (l *loader) checkTrust(path string, info os.FileInfo) {
	if os.Geteuid() != 0 {
		return
	}
	at := Place{File: path, Line: 1, Column: 1}
	if fault := untrusted(path, info); fault != "" {
		l.mistakes.add(at, "%s", fault)
	}
	folders := []string{filepath.Dir(path)}
	if real, err := filepath.EvalSymlinks(path); err == nil && filepath.Dir(real) != folders[0] {
		folders = append(folders, filepath.Dir(real))
	}
	for _, folder := range folders {
		info, err := os.Stat(folder)
		if err != nil {
			continue // the file was read through it a moment ago
		}
		if fault := untrusted(folder, info); fault != "" {
			l.mistakes.add(at, "%s", fault)
		}
	}
}

// CheckTrust refuses, when we are root, a program that somebody else could change.
func CheckTrust(program string) error {
	for _, path := range []string{program, filepath.Dir(program)} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("find the program: %w", err)
		}
		if fault := untrusted(path, info); fault != "" && os.Geteuid() == 0 {
			return errors.New(fault)
		}
	}
	return nil
}

// untrusted says who but root may write to path, and what to do about it.
func untrusted(path string, info os.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	if stat.Uid != 0 {
		return fmt.Sprintf("%s belongs to user %s, and root does not run what others may change; try: chown root %s", path, userName(stat.Uid), path)
	}
	// In a sticky folder such as /tmp nobody can replace a file of root's (unlink(2)).
	if info.IsDir() && info.Mode()&os.ModeSticky != 0 {
		return ""
	}
	writable := ""
	if info.Mode()&0o020 != 0 && stat.Gid != 0 {
		writable = "g"
	}
	if info.Mode()&0o002 != 0 {
		writable += "o"
	}
	if writable == "" {
		return ""
	}
	return fmt.Sprintf("%s is writable by others (%s %s %s), and root does not run what others may change; try: chmod %s-w %s",
		path, info.Mode(), userName(stat.Uid), groupName(stat.Gid), writable, path)
}

// userName is the name of a user, or its number if it has none.
func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// groupName is the name of a group, or its number if it has none.
func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}
