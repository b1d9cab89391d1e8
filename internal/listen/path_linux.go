package listen

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// openPath binds a private name in the folder of the address, makes it right and
// only then moves it to its place: whoever sees the public name sees the owner,
// group and mode that were asked for, and can connect.
func openPath(a Address, o Options) (*Socket, error) {
	if !o.Private {
		// Asked again by Expose; here a refusal leaves no trace.
		if _, err := occupant(a.Path); err != nil {
			return nil, err
		}
	}
	private := privatePath(a.Path, o.Generation)
	if err := sweep(private); err != nil {
		return nil, err
	}
	s, err := create(a, unix.AF_UNIX)
	if err != nil {
		return nil, err
	}
	err = s.bindPath(private)
	if err == nil {
		err = s.furnish(o)
	}
	if err == nil && !o.Private {
		err = s.Expose(nil)
	}
	if err != nil {
		s.Unlink()
		unix.Close(s.fd)
		return nil, err
	}
	return s, nil
}

// privatePath is where a generation's socket is born: PATH.GENERATION, with the
// name cut short where bind(2) could not take it even by its folder's descriptor.
func privatePath(path string, generation int) string {
	suffix := "." + strconv.Itoa(generation)
	folder, name := filepath.Split(path)
	if room := maxPath - len("/proc/self/fd/1234567/") - len(suffix); len(name) > room {
		hash := fnv.New32a()
		hash.Write([]byte(name))
		mark := fmt.Sprintf("-%08x", hash.Sum32())
		name = name[:room-len(mark)] + mark
	}
	return folder + name + suffix
}

// Sweep removes the private name of a generation whose socket is gone: an earlier
// supervisor has left it. What somebody listens on stays, which is an error.
func Sweep(a Address, generation int) error {
	if a.Kind != Unix {
		return nil
	}
	return sweep(privatePath(a.Path, generation))
}

// SweepAddress does the same for the address itself, if its file is that of the
// trace.
func SweepAddress(a Address, t Trace) error {
	present, err := identify(a.Path)
	if a.Kind != Unix || err != nil || present != (file{t.Device, t.Node}) {
		return err
	}
	return sweep(a.Path)
}

func sweep(path string) error {
	left, err := occupant(path)
	if err != nil || left == (file{}) {
		return err
	}
	if err := unix.Unlink(path); err != nil && err != unix.ENOENT {
		return fmt.Errorf("remove the old socket %s: %v", path, err)
	}
	return nil
}

// bindPath binds the socket at path. The file is born with the mode of the
// socket's own inode (unix_bind), so fchmod(2) before bind closes it to everybody
// from its first moment, whatever the umask.
func (s *Socket) bindPath(path string) error {
	if err := unix.Fchmod(s.fd, 0); err != nil {
		return fmt.Errorf("listen on %s: close the socket to others: %v", s.address, err)
	}
	err := withShortName(path, func(name string) error {
		return unix.Bind(s.fd, &unix.SockaddrUnix{Name: name})
	})
	if err != nil {
		return explainPath("listen on "+s.address.String(), path, err)
	}
	s.path = path
	return nil
}

// furnish gives the bound name its owner, group and mode and starts to listen.
// It works on a descriptor of the file, not on its name, so that nobody who may
// write to the folder can turn the chown of a root process to another file.
func (s *Socket) furnish(o Options) error {
	node, err := unix.Open(s.path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("listen on %s: find the socket just bound: %v", s.address, err)
	}
	defer unix.Close(node)
	var stat unix.Stat_t
	if err := unix.Fstat(node, &stat); err != nil {
		return fmt.Errorf("listen on %s: inspect the socket just bound: %v", s.address, err)
	}
	if stat.Mode&(unix.S_IFMT|0o777) != unix.S_IFSOCK || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("listen on %s: somebody put another file in the place of %s", s.address, s.path)
	}
	s.bound = file{uint64(stat.Dev), stat.Ino}
	if o.Owner >= 0 || o.Group >= 0 {
		if err := unix.Fchownat(node, "", o.Owner, o.Group, unix.AT_EMPTY_PATH); err != nil {
			return explainOwner(s.address, o, err)
		}
	}
	// fchmod(2) refuses an O_PATH descriptor; its link in /proc does not (open(2)).
	if err := unix.Chmod("/proc/self/fd/"+strconv.Itoa(node), uint32(o.Mode.Perm())); err != nil {
		return fmt.Errorf("set the mode of %s to %#o: %v", s.address, o.Mode.Perm(), err)
	}
	if err := unix.Listen(s.fd, o.Backlog); err != nil {
		return fmt.Errorf("listen on %s: %v", s.address, err)
	}
	return nil
}

// Expose moves a private socket to its address, or the clients of its address to a
// hidden one; from then on clients reach it.
// over is the socket of ours that has the address now, nil if none has: what
// anybody else listens on is never replaced. Nothing happens to a socket that is
// exposed already or has no path.
func (s *Socket) Expose(over *Socket) error {
	if s.hidden {
		return s.takeOver()
	}
	target := s.address.Path
	if s.path == "" || s.path == target {
		return nil
	}
	present, err := identify(target)
	if err != nil {
		return err
	}
	if over == nil || present != over.bound {
		if present, err = occupant(target); err != nil {
			return err
		}
	}
	if present == (file{}) {
		err = renameNew(s.path, target)
	} else {
		err = unix.Rename(s.path, target)
	}
	if err == unix.EEXIST {
		return fmt.Errorf("expose %s: somebody else has just taken the name", s.address)
	}
	if err != nil {
		return fmt.Errorf("expose %s: rename %s: %v", s.address, s.path, err)
	}
	s.path = target
	return nil
}

// renameNew renames without replacing, where the file system can (not on NFS).
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if err == unix.EINVAL || err == unix.ENOSYS {
		return unix.Rename(from, to)
	}
	return err
}

// Unlink removes the name we bound, if it still leads to the socket we bound: a
// name that a newer generation or somebody else has taken stays, as does the
// name of a socket that was handed to us.
func (s *Socket) Unlink() error {
	if s.path == "" {
		return nil
	}
	var stat unix.Stat_t
	err := unix.Lstat(s.path, &stat)
	if err == nil && s.bound == (file{uint64(stat.Dev), stat.Ino}) {
		err = unix.Unlink(s.path)
	}
	if err != nil && err != unix.ENOENT && err != unix.ENOTDIR {
		return fmt.Errorf("remove %s: %v", s.path, err)
	}
	s.path = ""
	return nil
}

// withShortName calls use with a name for path that fits into sun_path: path
// itself, or one that goes by a descriptor of its folder.
func withShortName(path string, use func(name string) error) error {
	if len(path) <= maxPath {
		return use(path)
	}
	folder, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(folder)
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", folder, filepath.Base(path)))
}
