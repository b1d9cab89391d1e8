package executor

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
)

// A generation that is swapped in gets a socket of its own, under a private name
// (PATH.GENERATION) in the folder of the address. One rename(2) makes it the one
// that clients reach; the old generation keeps its socket, empties the queue and
// finishes its requests.

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

func (e *Executor) openApart(c *crew, generation int) error {
	if c.socket.Load() == nil {
		return fmt.Errorf("pool %s: the address is not bound", c.cfg.Name)
	}
	if c.on[generation] != nil {
		return fmt.Errorf("pool %s: generation %d has a socket already", c.cfg.Name, generation)
	}
	socket, err := e.listenApart(c, generation)
	if err != nil {
		return err
	}
	c.on[generation] = socket
	c.changed()
	c.setApart(append(slices.Clone(c.socketsApart()), socket))
	return nil
}

// listenApart opens a socket beside the address or, where the address has no place
// in the file system, in our own folder; that one is never exposed.
func (e *Executor) listenApart(c *crew, generation int) (*listen.Socket, error) {
	if c.cfg.Listen.Kind == listen.Unix {
		return c.listen(generation, true)
	}
	address := listen.Address{Kind: listen.Unix, Path: filepath.Join(e.folder, c.cfg.Name+".trial")}
	return listen.Open(address, listen.Options{Owner: -1, Group: -1, Mode: 0o600, Generation: generation, Private: true})
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
	busyAt, rests := time.Now(), newRests()
	e.until(o.Deadline, func() bool {
		figures, err := socket.Figures()
		if err != nil || figures.Queue > 0 || rests.anyBusy(figures, pids) {
			busyAt = time.Now()
		}
		return time.Since(busyAt) >= quiet
	})
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
