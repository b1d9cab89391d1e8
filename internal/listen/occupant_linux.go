package listen

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// occupant is the socket file at path that may be replaced because nobody has it
// open; the zero file if nothing is there. Anything else is an error that says
// what it is and whose.
func occupant(path string) (file, error) {
	present, err := identify(path)
	if err != nil || present == (file{}) {
		return file{}, err
	}
	// The kernel's table first: a connection, even one that is closed at once,
	// costs a worker of the pool that listens there up to 2 s. It shows only our
	// own network namespace, though, and a path can be reached from all.
	address := Address{Kind: Unix, Path: path}
	if found, err := holdersOfFile(present); err == nil && found != nil {
		return file{}, inUse(address, found)
	}
	if err := tryConnect(address); err != nil {
		return file{}, err
	}
	return present, nil
}

// identify is the socket file at path, the zero file if nothing is there. What
// is no socket is an error.
func identify(path string) (file, error) {
	var stat unix.Stat_t
	err := unix.Lstat(path, &stat)
	if err == unix.ENOENT {
		return file{}, nil
	}
	if err != nil {
		return file{}, explainPath("listen on unix:"+path, path, err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return file{}, fmt.Errorf("%s is %s, not a socket: it is not removed; try: another path, or mv %s %s.old",
			path, fileType(stat.Mode), path, path)
	}
	return file{uint64(stat.Dev), stat.Ino}, nil
}

// tryConnect is nil if nobody listens at the path of a.
func tryConnect(a Address) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("test %s: create a socket: %v", a, err)
	}
	defer unix.Close(fd)
	err = withShortName(a.Path, func(name string) error {
		return unix.Connect(fd, &unix.SockaddrUnix{Name: name})
	})
	switch err {
	case unix.ECONNREFUSED, unix.ENOENT:
		return nil
	case nil:
		// The credentials are those of whoever called listen(2) (unix(7)).
		if peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil && peer.Pid > 0 {
			return inUse(a, &holders{seen: []Holder{{int(peer.Pid), command(int(peer.Pid))}}})
		}
		return inUse(a, &holders{})
	case unix.EAGAIN: // its queue is full
		return inUse(a, &holders{})
	case unix.EPROTOTYPE:
		return fmt.Errorf("%s is in use: it is a datagram or packet socket", a)
	}
	return fmt.Errorf("find out whether somebody listens on %s: %v; if nobody does, try: rm %s", a, err, a.Path)
}

func fileType(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "a regular file"
	case unix.S_IFDIR:
		return "a folder"
	case unix.S_IFLNK:
		return "a symbolic link"
	case unix.S_IFIFO:
		return "a pipe"
	case unix.S_IFCHR, unix.S_IFBLK:
		return "a device"
	case unix.S_IFSOCK:
		return "a socket"
	}
	return "a special file"
}

// explainPath says what about the folder of path made an operation fail.
func explainPath(doing, path string, err error) error {
	folder := filepath.Dir(path)
	switch err {
	case unix.ENOENT:
		return fmt.Errorf("%s: the folder %s does not exist; try: mkdir -p %s", doing, folder, folder)
	case unix.ENOTDIR:
		return fmt.Errorf("%s: %s is not a folder", doing, firstNonFolder(folder))
	case unix.EACCES:
		return fmt.Errorf("%s: uid %d may not make a socket in %s; try: chown %d %s, or a folder of its own",
			doing, os.Geteuid(), folder, os.Geteuid(), folder)
	case unix.EROFS:
		return fmt.Errorf("%s: %s is on a read-only file system; try: a path in /run", doing, folder)
	case unix.EADDRINUSE:
		return fmt.Errorf("%s: somebody else has just taken %s", doing, path)
	}
	return fmt.Errorf("%s: %v", doing, err)
}

func firstNonFolder(folder string) string {
	for i := range folder {
		if i == 0 || folder[i] != '/' {
			continue
		}
		if info, err := os.Stat(folder[:i]); err == nil && !info.IsDir() {
			return folder[:i]
		}
	}
	return strings.TrimRight(folder, "/")
}

func explainOwner(a Address, o Options, err error) error {
	if err == unix.EPERM {
		return fmt.Errorf("give %s to owner %d and group %d: uid %d may not; try: run as root, or leave them to be our own",
			a, o.Owner, o.Group, os.Geteuid())
	}
	return fmt.Errorf("give %s to owner %d and group %d: %v", a, o.Owner, o.Group, err)
}
