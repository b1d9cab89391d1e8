package executor

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// The environment of workers, by which they are found again.
const (
	lineageVariable    = "FCGI_SUPERVISOR_ID"
	poolVariable       = "FCGI_SUPERVISOR_POOL"
	workerVariable     = "FCGI_SUPERVISOR_WORKER"
	generationVariable = "FCGI_SUPERVISOR_GENERATION"
)

// Estate is what an earlier supervisor has left.
type Estate struct {
	Pools     map[string]Memory
	Loop      supervisor.Memory
	WrittenAt uint64         // StartTicks of then
	Sockets   map[uint64]int // descriptors that were handed to us, by inode; some may be in the store
	Pipes     map[int]int    // likewise, by the pid of the worker that writes
}

// TakeBack finds the workers of an earlier supervisor and takes their sockets and
// pipes back. It comes between New and Open; what it returns is for the loop.
func (e *Executor) TakeBack(estate Estate) map[string]supervisor.Finding {
	t := &takeBack{executor: e, estate: estate, nextID: estate.Loop.LastID, marked: worker.Find(Mark(e.lineage))}
	e.recalled = true
	found := map[string]supervisor.Finding{}
	for _, m := range estate.Loop.Pools {
		if c := e.all()[m.Name]; c != nil {
			found[m.Name] = t.pool(c, m)
		}
	}
	e.Release(estate.Sockets)
	for _, fd := range estate.Pipes {
		unix.Close(fd)
	}
	t.endLeftovers()
	return found
}

// takeBack is the work of TakeBack.
type takeBack struct {
	executor *Executor
	estate   Estate
	marked   []worker.Found // processes with our mark
	nextID   supervisor.ID
}

func (t *takeBack) pool(c *crew, m supervisor.PoolMemory) supervisor.Finding {
	memory := t.estate.Pools[m.Name]
	c.stopped = !m.Up
	c.recall(memory)
	sockets := &recovery{crew: c, memory: memory, byInode: map[uint64]*listen.Socket{}}
	for generation, g := range memory.Generations {
		sockets.take(generation, g.Socket.Inode, func() (int, error) { return t.handed(g.Socket.Inode) })
	}
	sockets.takeUnused(t)
	var f supervisor.Finding
	for _, w := range append(slices.Clone(m.Workers), t.unwritten(c, m)...) {
		process, err := worker.Adopt(worker.Orphan{PID: w.PID, StartTicks: w.StartTicks, StartedAt: w.StartedAt, Pipe: t.estate.Pipes[w.PID]})
		if err != nil {
			if w.PID > 0 && !errors.Is(err, worker.ErrGone) {
				t.executor.logger().Error(err.Error(), "pool", m.Name, "worker", w.Slot, "pid", w.PID)
			}
			continue
		}
		delete(t.estate.Pipes, w.PID)
		socket := cmp.Or(sockets.of(process, w.Generation), c.on[w.Generation]) // the dead hold none
		if socket == nil {                                                      // it has closed it: it is no use to anybody
			process.Kill()
			process.Abandon()
			continue
		}
		c.on[w.Generation] = socket
		c.hands[w.ID] = &hand{process: process, socket: socket, adopted: &w}
		t.executor.born[w.PID] = true
		f.Workers = append(f.Workers, w)
	}
	for generation, g := range memory.Generations {
		if c.on[generation] == nil { // nobody has it any more
			_ = listen.Sweep(g.Listen, generation)
		}
	}
	sockets.expose(&f)
	if !f.Bound && !f.Hopeless && c.over == nil { // its name leads nowhere
		_ = listen.SweepAddress(memory.Config.Listen, memory.Socket)
	}
	c.changed()
	return f
}

// handed is the descriptor of a socket that was handed to us; the caller's from now
// on.
func (t *takeBack) handed(inode uint64) (int, error) {
	fd, found := t.estate.Sockets[inode]
	if !found {
		return 0, unix.ENOENT
	}
	delete(t.estate.Sockets, inode)
	return fd, nil
}

// unwritten are the workers that were born when the memory was already written.
// Nobody but root and the pool's own user can have put our mark into a process of
// that user.
func (t *takeBack) unwritten(c *crew, m supervisor.PoolMemory) []supervisor.WorkerMemory {
	known := map[int]bool{}
	for _, w := range m.Workers {
		known[w.PID] = true
	}
	uid, _, _, _, _, err := config.Credentials(c.cfg)
	if err != nil {
		return nil
	}
	var list []supervisor.WorkerMemory
	for _, p := range t.marked {
		slot, err1 := strconv.Atoi(p.Env[workerVariable])
		generation, err2 := strconv.Atoi(p.Env[generationVariable])
		if err := cmp.Or(err1, err2); err != nil || p.Env[poolVariable] != c.cfg.Name || known[p.PID] || p.UID != uid ||
			slot < 0 || slot >= maxSlots || generation < 1 || !t.isWorker(p) {
			continue
		}
		t.nextID++
		list = append(list, supervisor.WorkerMemory{ID: t.nextID, Slot: slot, Generation: generation,
			Phase: supervisor.PhaseStarting, PID: p.PID, StartTicks: p.StartTicks, OrderedAt: time.Now(), StartedAt: time.Now()})
	}
	return list
}

// maxSlots bounds what a forged environment can make of us; it is that of the key
// processes.
const maxSlots = 4096

// isWorker: it is nobody's child that has our mark too, it leads a group, and it
// was born in the moment before the end of its supervisor.
func (t *takeBack) isWorker(p worker.Found) bool {
	const lag = 200 // clock ticks: the memory is written within milliseconds
	return p.Group == p.PID && p.StartTicks+lag >= t.estate.WrittenAt &&
		!slices.ContainsFunc(t.marked, func(other worker.Found) bool { return other.PID == p.Parent })
}

// endLeftovers ends what workers that have died meanwhile have left in their
// groups: it would keep the socket.
func (t *takeBack) endLeftovers() {
	for _, p := range t.marked {
		leads := slices.ContainsFunc(t.marked, func(other worker.Found) bool { return other.PID == p.Group })
		if p.Group != p.PID && !leads && !t.executor.born[p.Group] {
			t.executor.logger().Warn("a worker has ended and left this process; ended", "pool", p.Env[poolVariable], "pid", p.PID)
			_ = unix.Kill(p.PID, unix.SIGKILL)
		}
	}
}

// attend begins to mind the workers that were taken back; work goroutine or before
// it.
func (e *Executor) attend(c *crew) {
	announced := make(chan struct{})
	close(announced)
	for id, h := range c.hands {
		w := h.adopted
		if w == nil {
			continue
		}
		o := supervisor.Start{Pool: c.cfg.Name, ID: id, Slot: w.Slot, Generation: w.Generation}
		h.process.Mind(e.hooks(c, o, h, announced))
		// What it said on its NOTIFY_SOCKET nobody has heard.
		if w.Phase == supervisor.PhaseStarting && !w.ByUptime && c.cfg.Ready != config.ReadyUptime {
			e.looker.add(watched{pool: c.cfg.Name, id: id, pid: w.PID, socket: h.socket, born: w.StartedAt})
		}
	}
}
