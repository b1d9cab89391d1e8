package listen

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// firstPassed is SD_LISTEN_FDS_START (sd_listen_fds(3)).
const firstPassed = 3

// Inherited are the descriptors that systemd passed to this process, by name
// (sd_listen_fds_with_names(3)). The first call makes them close-on-exec and
// removes the variables, so that no worker takes them for its own; they stay
// open for the life of the process, and Open duplicates them.
func Inherited() map[string][]int { return maps.Clone(inherited().named) }

// Stored are the descriptors that an earlier supervisor has put into systemd's
// store under StoreName, by inode. They come with those of Inherited, belong to the
// caller, and are returned once.
func Stored() map[uint64]int {
	stored := maps.Clone(inherited().stored)
	clear(inherited().stored)
	return stored
}

// storePrefix keeps what is in the store apart from the sockets of socket units,
// which are passed in the same list.
const storePrefix = "fcgi-supervisor-kept."

// StoreName is what a socket is called in systemd's store (FDNAME= of
// sd_pid_notify_with_fds(3)).
func StoreName(inode uint64) string { return storePrefix + strconv.FormatUint(inode, 10) }

// passed is what systemd has passed to this process.
type passed struct {
	named  map[string][]int
	stored map[uint64]int
}

var inherited = sync.OnceValue(func() passed {
	if resumed != nil {
		return passed{named: resumed}
	}
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	n, err := strconv.Atoi(count)
	if err != nil || pid != strconv.Itoa(os.Getpid()) {
		return passed{}
	}
	found := passed{map[string][]int{}, map[uint64]int{}}
	for i := range n {
		fd := firstPassed + i
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			break // fewer than promised
		}
		name := "unknown" // what sd_listen_fds_with_names(3) says of one without
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		if inode, ours := storedAs(name, fd); ours {
			found.stored[inode] = fd
		} else {
			found.named[name] = append(found.named[name], fd)
		}
	}
	return found
})

// storedAs says whether a descriptor is what its name says: a socket that we have
// stored.
func storedAs(name string, fd int) (inode uint64, ours bool) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return 0, false
	}
	return stat.Ino, name == StoreName(stat.Ino)
}

// resumed are the descriptors of an earlier program in our process; written by
// Resume, before anything is opened.
var resumed map[string][]int

// Passed are the descriptors that a program that takes our place must have to open
// systemd: and fd: addresses again: by name, and by the number in the address.
func Passed() (named map[string][]int, numbered map[int]int) {
	taken.Lock()
	defer taken.Unlock()
	return Inherited(), maps.Clone(taken.kept)
}

// Resume takes over what Passed has returned in the program before us. It comes
// before anything is opened.
func Resume(named map[string][]int, numbered map[int]int) {
	taken.Lock()
	defer taken.Unlock()
	maps.Copy(taken.kept, numbered)
	resumed = map[string][]int{}
	maps.Copy(resumed, named)
}

func openNamed(a Address) (*Socket, error) {
	named := inherited().named
	fds := named[a.Name]
	switch {
	case len(named) == 0:
		return nil, fmt.Errorf("listen on %s: systemd passed no sockets; try: start us from a socket unit with FileDescriptorName=%s",
			a, a.Name)
	case len(fds) == 0:
		names := strings.Join(slices.Sorted(maps.Keys(named)), ", ")
		return nil, fmt.Errorf("listen on %s: systemd passed no socket of this name, only: %s; try: FileDescriptorName=%s in the socket unit",
			a, names, a.Name)
	case len(fds) > 1:
		return nil, fmt.Errorf("listen on %s: systemd passed %d sockets of this name; try: a socket unit with a name for each", a, len(fds))
	}
	if err := checkListening(fds[0]); err != nil {
		return nil, fmt.Errorf("listen on %s: %v", a, err)
	}
	return duplicate(a, fds[0])
}

// taken maps the descriptor of an fd:N address to the one that keeps its socket
// for the life of the process, so that a stopped pool can be started again. It
// belongs to the process, as descriptors do, and not to any goroutine: a lock.
var taken = struct {
	sync.Mutex
	kept map[int]int
}{kept: map[int]int{}}

func openDescriptor(a Address) (*Socket, error) {
	taken.Lock()
	defer taken.Unlock()
	kept, ok := taken.kept[a.FD]
	if !ok {
		err := checkListening(a.FD)
		if err == nil {
			kept, err = keep(a.FD)
		}
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %v", a, err)
		}
		taken.kept[a.FD] = kept
	}
	return duplicate(a, kept)
}

// keep makes a descriptor close-on-exec. The socket on 0 moves away, so that 0
// is free to be what every program expects of its standard input.
func keep(fd int) (int, error) {
	if fd > 0 {
		unix.CloseOnExec(fd)
		return fd, nil
	}
	kept, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return 0, fmt.Errorf("duplicate descriptor 0: %v", err)
	}
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Dup3(null, 0, 0)
		unix.Close(null)
	}
	if err != nil {
		unix.Close(kept)
		return 0, fmt.Errorf("put /dev/null on descriptor 0: %v", err)
	}
	return kept, nil
}

func duplicate(a Address, fd int) (*Socket, error) {
	fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: duplicate the descriptor: %v", a, err)
	}
	s, err := describe(a, fd)
	if err != nil {
		return nil, err
	}
	if err = s.findPort(); err == nil {
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen on %s: %v", a, err)
	}
	return s, nil
}

// checkListening says what a descriptor is if it is no listening stream socket.
func checkListening(fd int) error {
	const remedy = "start us with spawn-fcgi -n, mod_fcgid's FcgidWrapper, lighttpd's bin-path or systemd's StandardInput=socket"
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("descriptor %d is not open: %s", fd, remedy)
	}
	what := fileType(stat.Mode)
	if stat.Mode&unix.S_IFMT == unix.S_IFSOCK {
		if what = socketType(fd); what == "" {
			return nil
		}
	}
	return fmt.Errorf("descriptor %d is %s, not a listening socket: %s", fd, what, remedy)
}

// socketType says what kind of socket is not usable; "" is a usable one.
func socketType(fd int) string {
	option := func(name int) int {
		value, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, name)
		if err != nil {
			return -1
		}
		return value
	}
	_, unconnected := unix.Getpeername(fd)
	domain := option(unix.SO_DOMAIN)
	switch {
	case option(unix.SO_TYPE) == unix.SOCK_DGRAM:
		return "a datagram socket"
	case option(unix.SO_TYPE) != unix.SOCK_STREAM:
		return "a packet or raw socket"
	case domain != unix.AF_UNIX && domain != unix.AF_INET && domain != unix.AF_INET6:
		return "a socket of another family than Unix and IP"
	case option(unix.SO_ACCEPTCONN) == 1:
		return ""
	case unconnected == nil:
		return "a connected socket"
	}
	return "a socket on which nobody called listen(2)"
}
