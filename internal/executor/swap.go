package executor

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// A generation that is swapped in gets a socket of its own: on a Unix path under a
// private name (PATH.GENERATION) in the folder of the address, on TCP one that listens
// at the address too and that the kernel sends nobody to. One system call, rename(2) or
// setsockopt(2), makes it the one that clients reach; the old generation keeps its
// socket, empties the queue and finishes its requests.

// socketsApart are the sockets that clients do not reach.
func (c *crew) socketsApart() []*listen.Socket {
	if list := c.apart.Load(); list != nil {
		return *list
	}
	return nil
}

// sockets are all that the pool has.
func (c *crew) sockets() []*listen.Socket {
	list := slices.Clone(c.socketsApart())
	if socket := c.socket.Load(); socket != nil {
		list = append(list, socket)
	}
	return list
}

// setApart replaces the list, which readers may hold, and returns the old one.
func (c *crew) setApart(list []*listen.Socket) []*listen.Socket {
	old := c.apart.Swap(&list)
	if old == nil {
		return nil
	}
	return slices.Clone(*old)
}

// closing is how long the last who have a socket may take to close it: a worker that
// was just buried, a service manager that keeps it for us.
const closing = 2 * time.Second

// openInTime opens a socket for a generation and reports it. On TCP there is room for
// two sockets; the one before the last may take a moment to go.
func (e *Executor) openInTime(o supervisor.Open, until time.Time) {
	c := e.all()[o.Pool]
	err := e.openApart(c, o)
	c.opening = 0
	if errors.Is(err, listen.ErrNotAlone) && time.Now().Before(until) {
		c.opening = o.Generation
		time.AfterFunc(lastLook, func() {
			e.push(func() {
				if c.opening == o.Generation { // else it was given up
					e.openInTime(o, until)
				}
			})
		})
		return
	}
	e.keepSockets()
	e.report(supervisor.Opened{Pool: o.Pool, Generation: o.Generation, Err: err, NoRoom: errors.Is(err, listen.ErrNoRoom)})
}

func (e *Executor) openApart(c *crew, o supervisor.Open) error {
	generation := o.Generation
	if c.socket.Load() == nil {
		return fmt.Errorf("pool %s: the address is not bound", c.cfg.Name)
	}
	if c.on[generation] != nil {
		return fmt.Errorf("pool %s: generation %d has a socket already", c.cfg.Name, generation)
	}
	socket, err := e.listenApart(c, o)
	if err != nil {
		return err
	}
	c.on[generation] = socket
	c.changed()
	c.setApart(append(slices.Clone(c.socketsApart()), socket))
	return nil
}

// listenApart opens a socket beside the address or, where the address has no place
// in the file system and a trial is all that it is for, in our own folder.
func (e *Executor) listenApart(c *crew, o supervisor.Open) (*listen.Socket, error) {
	if c.cfg.Listen.Kind == listen.Unix || !o.Trial {
		return c.listen(o.Generation, true)
	}
	address := listen.Address{Kind: listen.Unix, Path: filepath.Join(e.folder, c.cfg.Name+".trial")}
	return listen.Open(address, listen.Options{Owner: -1, Group: -1, Mode: 0o600, Generation: o.Generation, Private: true})
}

// expose moves the generation's socket to the address. The socket that had it
// keeps its queue and its workers.
func (c *crew) expose(generation int) error {
	next, present := c.on[generation], c.socket.Load()
	if next == nil || present == nil {
		return fmt.Errorf("pool %s: generation %d has no socket", c.cfg.Name, generation)
	}
	if err := next.Expose(present); err != nil {
		return err
	}
	if next.Address() != present.Address() { // the configuration has another: nobody may find the old one
		_ = present.Unlink()
	}
	c.socket.Store(next)
	c.setApart(append(without(c.socketsApart(), next), present))
	c.changed()
	return nil
}

// shut closes the socket of a generation that has no workers any more, and removes
// the private name if it was never exposed.
func (c *crew) shut(generation int) {
	socket := c.on[generation]
	if c.opening == generation {
		c.opening = 0
	}
	delete(c.on, generation)
	delete(c.births, generation)
	c.changed()
	if socket == nil || socket == c.socket.Load() {
		return
	}
	c.setApart(without(c.socketsApart(), socket))
	_ = socket.Unlink()
	socket.Close()
}

func without(list []*listen.Socket, socket *listen.Socket) []*listen.Socket {
	return slices.DeleteFunc(slices.Clone(list), func(s *listen.Socket) bool { return s == socket })
}

// quiet is how long a generation must have had nothing to do until it counts as
// drained: a client that has just connected may still be on its way in.
const quiet = 100 * time.Millisecond

// drain waits until nobody waits in the queue of a swapped-out generation and no
// connection of it is left but idle ones.
func (e *Executor) drain(socket *listen.Socket, pids []int, o supervisor.Drain) {
	defer e.report(supervisor.Drained{Pool: o.Pool, Generation: o.Generation})
	if socket == nil {
		return
	}
	begin, rests := time.Now(), newRests()
	busyAt := begin
	e.until(o.Deadline, func() bool {
		figures, err := socket.Figures()
		if err == nil && figures.Shared {
			figures.Accepted, err = heldBy(pids, figures.Accepted)
			if time.Since(begin) < handshake && inHandshake(socket) {
				busyAt = time.Now()
			}
		}
		if err != nil || figures.Queue > 0 || rests.anyBusy(figures, pids) {
			busyAt = time.Now()
		}
		return time.Since(busyAt) >= quiet
	})
}

// heldBy are those of the connections that one of the workers has open.
func heldBy(pids []int, connections map[uint64]bool) (map[uint64]bool, error) {
	held := map[uint64]bool{}
	for _, pid := range pids {
		inodes, err := worker.Held(pid, connections)
		if err != nil {
			return nil, err
		}
		for _, inode := range inodes {
			held[inode] = true
		}
	}
	return held, nil
}

// pidsOn are the workers on a socket.
func (c *crew) pidsOn(socket *listen.Socket) []int {
	var pids []int
	for _, h := range c.hands {
		if h.socket == socket {
			pids = append(pids, h.process.PID)
		}
	}
	return pids
}
