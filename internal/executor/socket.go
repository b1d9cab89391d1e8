package executor

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
)

// open opens the pool's socket, if it is not open already.
func (c *crew) open() error {
	if c.socket.Load() != nil {
		return nil
	}
	socket, err := c.listen(firstGeneration, c.over != nil)
	if err == nil && c.over != nil {
		if err = socket.Expose(c.over); err != nil {
			_ = socket.Unlink()
			socket.Close()
		}
	}
	if err != nil {
		return err
	}
	c.socket.Store(socket)
	c.changed()
	return nil
}

// firstGeneration is what a pool begins with.
const firstGeneration = 1

func (c *crew) listen(generation int, private bool) (*listen.Socket, error) {
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	options.Generation, options.Private = generation, private
	if present := c.socket.Load(); private && c.cfg.Listen.Kind == listen.TCP && present.Address() == c.cfg.Listen {
		options.Beside = present
	}
	return listen.Open(c.cfg.Listen, options)
}

func (c *crew) options() (listen.Options, error) {
	o := listen.Options{Owner: -1, Group: -1, Mode: c.cfg.ListenMode, Backlog: c.cfg.ListenBacklog}
	if c.cfg.Listen.Kind != listen.Unix {
		return o, nil
	}
	if name := c.cfg.ListenOwner; name != "" {
		owner, err := user.Lookup(name)
		if err != nil {
			if owner, err = user.LookupId(name); err != nil {
				return o, fmt.Errorf("listen_owner: there is no user %q", name)
			}
		}
		o.Owner, _ = strconv.Atoi(owner.Uid)
		o.Group, _ = strconv.Atoi(owner.Gid)
	}
	if name := c.cfg.ListenGroup; name != "" {
		group, err := user.LookupGroup(name)
		if err != nil {
			if group, err = user.LookupGroupId(name); err != nil {
				return o, fmt.Errorf("listen_group: there is no group %q", name)
			}
		}
		o.Group, _ = strconv.Atoi(group.Gid)
	}
	if o.Owner == os.Geteuid() && o.Group == os.Getegid() {
		o.Owner, o.Group = -1, -1 // what it is born with
	}
	return o, nil
}

// unbind removes the socket's name, if it is still ours, and closes all sockets of
// the pool.
func (c *crew) unbind() {
	sockets := c.setApart(nil)
	if socket := c.socket.Swap(nil); socket != nil {
		sockets = append(sockets, socket)
	}
	for _, socket := range sockets {
		_ = socket.Unlink()
		socket.Close()
	}
	clear(c.on)
	clear(c.births) // a pool that is started again is looked up anew: it may be another release
	c.over, c.opening = nil, 0
	c.changed()
}

// Bounds of how often sockets that are being emptied are looked at.
const (
	firstLook = time.Millisecond
	lastLook  = 20 * time.Millisecond
)

// hide keeps new clients from the socket, and has those that found it waited for. An
// address that cannot be hidden gets clients to the end: it is not waited for.
func (e *Executor) hide(c *crew, o supervisor.Hide) {
	socket := c.socket.Load()
	hidden := false
	if socket != nil {
		var err error
		if hidden, err = socket.Hide(); err != nil {
			e.logger().Warn("clients that come now may be lost", "pool", o.Pool, "err", err)
		}
	}
	if !hidden {
		e.report(supervisor.Hidden{Pool: o.Pool})
		return
	}
	go e.awaitQueues(append([]*listen.Socket{socket}, c.socketsApart()...), o)
}

// awaitQueues waits until all clients have been taken from the queues, of
// swapped-out generations too. It ends at the order's deadline.
func (e *Executor) awaitQueues(sockets []*listen.Socket, o supervisor.Hide) {
	defer e.report(supervisor.Hidden{Pool: o.Pool})
	begin := time.Now()
	e.until(o.Deadline, func() bool {
		if time.Since(begin) < handshake && slices.ContainsFunc(sockets, inHandshake) {
			return false
		}
		table, _ := listen.Look(sockets)
		for _, s := range sockets {
			if figures, known := table.Of(s); known && figures.Queue > 0 {
				return false
			}
		}
		return true
	})
}

// handshake is how long a client on TCP may take to complete the connection that it
// has begun: both sides send again after a second (RFC 6298, 2.1), and once more.
const handshake = 4 * time.Second

func inHandshake(s *listen.Socket) bool {
	n, _ := s.Handshakes()
	return n > 0
}

// until asks whether something is done, less and less often, until it is or the
// deadline has passed or the executor ends.
func (e *Executor) until(deadline time.Time, done func() bool) {
	for pause := firstLook; !done() && time.Now().Before(deadline); pause = min(2*pause, lastLook) {
		select {
		case <-time.After(pause):
		case <-e.quit:
			return
		}
	}
}
