package executor

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// recovery takes the sockets of one pool back.
type recovery struct {
	crew    *crew
	memory  Memory
	byInode map[uint64]*listen.Socket
}

// of is the listening socket of a worker; nil if it has none of ours.
func (r *recovery) of(p *worker.Process, generation int) *listen.Socket {
	want := r.memory.Generations[generation].Socket.Inode
	for _, fd := range append([]string{"0"}, descriptorsOf(p.PID)...) {
		inode, ok := socketAt(p.PID, fd)
		if !ok || fd != "0" && inode != want {
			continue
		}
		number, _ := strconv.Atoi(fd)
		if s := r.take(generation, inode, func() (int, error) { return p.Descriptor(number) }); s != nil {
			return s
		}
	}
	return nil
}

// take makes a Socket of a descriptor, once for each; generations may share one.
func (r *recovery) take(generation int, inode uint64, descriptor func() (int, error)) *listen.Socket {
	s := r.byInode[inode]
	if s == nil {
		s = r.adopt(generation, inode, descriptor)
	}
	if s != nil && r.crew.on[generation] == nil {
		r.crew.on[generation] = s
	}
	return s
}

func (r *recovery) adopt(generation int, inode uint64, descriptor func() (int, error)) *listen.Socket {
	g := r.memory.Generations[generation]
	address := g.Listen
	if address == (listen.Address{}) {
		address = r.crew.cfg.Listen
	}
	var socket *listen.Socket
	fd, err := descriptor()
	switch {
	case err == nil:
		socket, err = listen.Adopt(address, fd, generation, g.Socket)
	case errors.Is(err, unix.EPERM):
		socket, err = listen.Shadow(address, inode, generation, g.Socket), nil
	}
	if err != nil {
		return nil
	}
	r.byInode[inode] = socket
	return socket
}

// takeUnused takes the socket that clients reach if no generation has begun on it:
// no worker could be started yet.
func (r *recovery) takeUnused(t *takeBack) {
	fd, err := t.handed(r.memory.Socket.Inode)
	if err != nil {
		return
	}
	if socket, err := listen.Adopt(r.crew.cfg.Listen, fd, firstGeneration, r.memory.Socket); err == nil {
		r.byInode[socket.Inode()] = socket
	}
}

// expose finds which of the sockets clients reach, and tells the loop.
func (r *recovery) expose(f *supervisor.Finding) {
	var exposed *listen.Socket
	var apart, grouped []*listen.Socket
	for _, s := range r.byInode {
		switch reached := r.reached(s); {
		case reached && s.FD() < 0 && s.Path() != "":
			r.crew.over = s // another one will take its name
			apart = append(apart, s)
		case reached && s.FD() < 0:
			f.Hopeless = f.Hopeless || r.crew.replace(s) != nil
			apart = append(apart, s)
		case reached && s.Address().Kind == listen.TCP:
			grouped = append(grouped, s)
		case reached && exposed == nil:
			exposed = s
		default:
			apart = append(apart, s)
		}
	}
	if len(grouped) > 0 {
		slices.SortFunc(grouped, func(a, b *listen.Socket) int { return cmp.Compare(r.firstOn(a), r.firstOn(b)) })
		exposed = listen.Regroup(grouped)
		apart = append(apart, without(grouped, exposed)...)
	}
	if exposed != nil {
		r.crew.socket.Store(exposed)
	}
	r.crew.setApart(apart)
	f.Bound = exposed != nil
	for generation, s := range r.crew.on {
		if s == exposed {
			f.Exposed = append(f.Exposed, generation)
		} else {
			f.Apart = append(f.Apart, generation)
		}
	}
}

// replace has a new socket get the clients of one that workers have and we may not take
// from them.
func (c *crew) replace(shadow *listen.Socket) error {
	if shadow.Address().Kind != listen.TCP {
		return errors.ErrUnsupported
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	options.Beside = shadow
	socket, err := listen.Open(c.cfg.Listen, options)
	if err == nil {
		if err = socket.Expose(shadow); err != nil {
			socket.Close()
		}
	}
	if err == nil {
		c.socket.Store(socket)
	}
	return err
}

// firstOn is the first generation that had the socket.
func (r *recovery) firstOn(s *listen.Socket) int {
	first := math.MaxInt
	for generation, on := range r.crew.on {
		if on == s {
			first = min(first, generation)
		}
	}
	return first
}

// reached: clients reach the socket. One that was handed to our predecessor is only
// the right one as long as we are not handed another.
func (r *recovery) reached(s *listen.Socket) bool {
	switch address := r.crew.cfg.Listen; s.Address().Kind {
	case listen.Unix:
		return address.Kind == listen.Unix && s.Path() == address.Path
	case listen.TCP:
		return s.Address() == address
	case listen.Systemd, listen.FD:
		handed, err := listen.Open(s.Address(), listen.Options{})
		if err != nil {
			return true
		}
		defer handed.Close()
		return handed.Inode() == s.Inode()
	}
	return true
}

// descriptorsOf are the names in /proc/PID/fd.
func descriptorsOf(pid int) []string {
	folder, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	return names
}

// socketAt is the inode of the socket that a process has as descriptor fd.
func socketAt(pid int, fd string) (inode uint64, ok bool) {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd))
	if err != nil {
		return 0, false
	}
	_, err = fmt.Sscanf(link, "socket:[%d]", &inode)
	return inode, err == nil
}
