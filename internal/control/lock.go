package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Lock keeps every other supervisor out of a runtime folder.
type Lock struct {
	file *os.File // closed by Close; no child inherits it
}

// Acquire makes the runtime folder, if it is missing, and locks it. The lock ends
// with Close or with the process, however that ends (flock(2)); its file stays,
// since removing it would let two processes lock two files of one name.
func Acquire(runtimeDir string) (*Lock, error) {
	if err := makeFolder(runtimeDir); err != nil {
		return nil, err
	}
	path := filepath.Join(runtimeDir, "lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the runtime directory: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	for deadline := time.Now().Add(afterlife); err == unix.EWOULDBLOCK && isDead(holder(file)) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == unix.EWOULDBLOCK {
		err = taken(file, runtimeDir)
	} else if err == nil {
		err = writePID(file)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Lock{file}, nil
}

// Resume takes over the lock of the program before us in this process.
func Resume(fd int) *Lock { return &Lock{os.NewFile(uintptr(fd), "lock")} }

// FD is the descriptor of the lock, which stays the Lock's.
func (l *Lock) FD() int { return int(l.file.Fd()) }

// Close gives the folder up.
func (l *Lock) Close() error { return l.file.Close() }

func writePID(file *os.File) error {
	err := file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return fmt.Errorf("lock the runtime directory: %w", err)
	}
	return nil
}

// afterlife is how long the lock of a supervisor that was killed may be held by a
// worker that it was giving birth to: until that has executed its program.
const afterlife = 5 * time.Second

// holder is who has the lock, 0 if that is not known: it has written its pid an
// instant after it took the lock.
func holder(file *os.File) int {
	const longest = 20
	content := make([]byte, longest)
	n, _ := file.ReadAt(content, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(content[:n])))
	return pid
}

func isDead(pid int) bool { return pid > 0 && unix.Kill(pid, 0) == unix.ESRCH }

// taken names who has the lock.
func taken(file *os.File, runtimeDir string) error {
	who := "another fcgi-supervisor"
	if pid := holder(file); pid > 0 {
		who += fmt.Sprintf(" (pid %d)", pid)
	}
	return fmt.Errorf("%s already runs with runtime directory %s; try: another --runtime-dir, or fcgi-supervisor status", who, runtimeDir)
}

// makeFolder makes the runtime folder, whatever the umask, such that the members
// of control_group can reach the socket in it.
func makeFolder(path string) error {
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.Mkdir(path, 0o755)
		}
	}
	switch {
	case err == nil:
		err = os.Chmod(path, 0o755)
	case errors.Is(err, os.ErrExist):
		return checkFolder(path)
	}
	if err != nil {
		return fmt.Errorf("make the runtime directory: %w", err)
	}
	return nil
}

// checkFolder refuses a folder in which somebody else could put files in the
// place of ours: one that others may write to, and for root also one that a group
// may. The sticky bit makes names safe from all but their owners (unlink(2)).
func checkFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at the runtime directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("the runtime directory %s is not a folder; try: another --runtime-dir", path)
	}
	if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != 0 && owner != os.Geteuid() {
		return fmt.Errorf("the runtime directory %s belongs to uid %d, who could take the place of the control socket; try: another --runtime-dir", path, owner)
	}
	forbidden := os.FileMode(0o002)
	if os.Geteuid() == 0 {
		forbidden = 0o022
	}
	if info.Mode()&os.ModeSticky == 0 && info.Mode()&forbidden != 0 {
		return fmt.Errorf("the runtime directory %s is writable by others (mode %#o): they could take the place of the control socket; try: chmod go-w %s",
			path, info.Mode().Perm(), path)
	}
	return nil
}
