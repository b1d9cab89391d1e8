package listen

import (
	"errors"
	"os"
)

// DefaultBacklog is used when none is asked for; the kernel lowers it to
// net.core.somaxconn, whose own default it is since Linux 5.4.
const DefaultBacklog = 4096

// Why no socket can be opened beside another one.
var (
	ErrNoRoom   = errors.New("no room for another socket")
	ErrNotAlone = errors.New("two sockets listen there already") // it is an ErrNoRoom too
)

// Options say how Open makes a socket. A socket that was handed to us (systemd,
// descriptor) stays as its maker made it.
type Options struct {
	Owner      int         // uid of a Unix path; -1: the uid we run as
	Group      int         // gid of a Unix path; -1: as it is born
	Mode       os.FileMode // permission bits of a Unix path; connecting needs w
	Backlog    int         // connections that may wait; 0: DefaultBacklog
	Generation int         // part of the name a Unix path has before it is exposed
	Private    bool        // leave a Unix path under that name until Expose
	Beside     *Socket     // of TCP: it has the address, and clients, until Expose
}

// Socket is a listening socket. It belongs to one goroutine, apart from Address,
// Inode, Queue and Look, which read nothing that changes.
type Socket struct {
	address Address
	inode   uint64
	domain  int    // AF_UNIX, AF_INET or AF_INET6
	port    int    // 0: not TCP
	fd      int    // closed by Close
	path    string // where the name we bound is now; "": there is none
	bound   file   // the socket file at path
	hidden  bool   // TCP: another socket gets the connections to the address
}

// file is what a name in the file system leads to, whatever it is called.
type file struct{ device, node uint64 }

// Address is the address the socket was opened with.
func (s *Socket) Address() Address { return s.address }

// FD is the descriptor: close-on-exec, blocking, above 2.
func (s *Socket) FD() int { return s.fd }

// Inode names the socket as /proc/PID/fd does: socket:[INODE].
func (s *Socket) Inode() uint64 { return s.inode }

// Hidden: a TCP socket listens at its address, but clients reach another one there.
func (s *Socket) Hidden() bool { return s.hidden }

// Path is where a Unix path socket can be reached now: its address, or its
// private name before Expose. Empty for every other socket. A private name may
// be longer than connect(2) takes.
func (s *Socket) Path() string { return s.path }
