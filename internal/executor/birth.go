package executor

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// birth is what all workers of one generation have in common. It is made when
// the first of them is started: a symlinked deploy (current -> releases/7) is
// resolved then, and all of them get the same one.
type birth struct {
	cfg  config.Pool // as it was when the generation began
	spec worker.Spec
	path string // PATH of the workers
}

func (c *crew) birth(generation int) (*birth, error) {
	if b := c.births[generation]; b != nil {
		return b, nil
	}
	b, err := newBirth(c.cfg, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	c.births[generation] = b
	c.changed()
	return b, nil
}

// forget drops what is known of generations before that one.
func (c *crew) forget(before int) {
	past := func(generation int) bool { return generation < before }
	maps.DeleteFunc(c.births, func(g int, _ *birth) bool { return past(g) })
	maps.DeleteFunc(c.on, func(g int, _ *listen.Socket) bool { return past(g) })
	c.changed()
}

func newBirth(p config.Pool, inherited func(string) (string, bool)) (*birth, error) {
	uid, gid, groups, home, shell, err := config.Credentials(p)
	if err != nil {
		return nil, err
	}
	env, err := config.Environment(p, home, shell, userName(p, uid), inherited)
	if err != nil {
		return nil, err
	}
	spec := worker.Spec{Path: resolveFolder(p.Command[0]), Args: p.Command, Env: env, Dir: resolve(p.Directory),
		Umask: int(p.Umask), Nice: p.Limits.Nice, NoNewPrivs: p.Limits.NoNewPrivileges}
	if os.Geteuid() == 0 {
		spec.Credential = &worker.Credential{UID: uid, GID: gid, Groups: groups}
	}
	if n := p.Limits.NoFile; n != nil {
		spec.Limits = append(spec.Limits, worker.Limit{Resource: unix.RLIMIT_NOFILE, Value: *n})
	}
	if n := p.Limits.Core; n != nil {
		spec.Limits = append(spec.Limits, worker.Limit{Resource: unix.RLIMIT_CORE, Value: *n})
	}
	b := &birth{cfg: p, spec: spec, path: config.DefaultPath}
	for _, v := range env {
		if len(v) > 5 && v[:5] == "PATH=" {
			b.path = v[5:]
		}
	}
	return b, nil
}

func userName(p config.Pool, uid uint32) string {
	if p.User != "" {
		return p.User
	}
	if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		return u.Username
	}
	return strconv.FormatUint(uint64(uid), 10)
}

// resolve follows symbolic links; what cannot be resolved stays as it is, and
// the start says what is wrong with it.
func resolve(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// resolveFolder resolves all but the last component: programs such as the python
// of a virtual environment are known by the link they are called through.
func resolveFolder(path string) string {
	return filepath.Join(resolve(filepath.Dir(path)), filepath.Base(path))
}

// start gives birth to a worker and has it looked at.
func (e *Executor) start(c *crew, o supervisor.Start) {
	h := &hand{}
	announced := make(chan struct{}) // no end is reported before the beginning
	process, err := e.bear(c, o, h, announced)
	if err != nil {
		if h.notify != nil {
			h.notify.Close()
		}
		e.report(supervisor.Exited{Pool: o.Pool, ID: o.ID, Exit: worker.Exit{At: time.Now(), StartErr: err.Error()}})
		return
	}
	h.process = process
	c.hands[o.ID] = h
	e.born[process.PID] = true
	e.report(supervisor.Started{Pool: o.Pool, ID: o.ID, PID: process.PID, StartTicks: process.StartTicks, At: process.StartedAt})
	e.awaitReady(c, o, h)
	close(announced)
}

func (e *Executor) bear(c *crew, o supervisor.Start, h *hand, announced chan struct{}) (*worker.Process, error) {
	b, err := c.birth(o.Generation)
	if err != nil {
		return nil, err
	}
	socket := c.on[o.Generation]
	if socket == nil {
		socket = c.socket.Load()
	}
	if socket == nil {
		return nil, errors.New("the socket is closed")
	}
	h.socket = socket
	if c.on[o.Generation] != socket {
		c.on[o.Generation] = socket
		c.changed()
	}
	if len(c.hands) == 0 {
		if err := socket.SetBlocking(); err != nil {
			return nil, err
		}
	}
	spec := b.spec
	spec.ListenFD = socket.FD()
	spec.Env = append(append([]string{}, b.spec.Env...), Mark(e.lineage), poolVariable+"="+o.Pool,
		workerVariable+"="+strconv.Itoa(o.Slot), generationVariable+"="+strconv.Itoa(o.Generation))
	if c.cfg.Ready == config.ReadyNotify {
		if h.notify, err = worker.NewNotify(uint64(o.ID)); err != nil {
			return nil, err
		}
		spec.Env = append(spec.Env, "NOTIFY_SOCKET="+h.notify.Name)
	}
	process, err := worker.Start(spec, e.hooks(c, o, h, announced))
	return process, b.explain(err)
}

// explain adds to a failed exec which part of the path, or which interpreter, is
// to blame.
func (b *birth) explain(err error) error {
	var failed *worker.StartError
	if !errors.As(err, &failed) || failed.Step != "exec" {
		return err
	}
	uid, gid, groups := uint32(os.Geteuid()), uint32(os.Getegid()), []uint32(nil)
	if c := b.spec.Credential; c != nil {
		uid, gid, groups = c.UID, c.GID, c.Groups
	}
	if why := config.ExplainExec(failed.Path, uid, gid, groups, b.path); why != "" {
		return fmt.Errorf("%w: %s", err, why)
	}
	return err
}

// hooks tie a process to the pool's output and to the loop.
func (e *Executor) hooks(c *crew, o supervisor.Start, h *hand, announced <-chan struct{}) worker.Hooks {
	var last logs.Last // the reader's until the worker is buried
	block, sink := logs.Block{Pool: o.Pool, Slot: o.Slot}, c.sink
	cutter := logs.NewCutter(func(lines []byte, partial bool) {
		block.At, block.Bytes, block.Partial = time.Now(), lines, partial
		last.Add(lines)
		c.ring.Add(block)
		sink.Take(block)
	})
	// What is not written yet stays in the pipe, and so does an unfinished line:
	// if we die, our successor finds them there.
	output := func(chunk []byte, ended bool) int {
		if block.PID == 0 {
			<-announced // the pid is known then
			block.PID = h.process.PID
		}
		whole := bytes.LastIndexByte(chunk, '\n') + 1
		if ended || whole == 0 && len(chunk) == worker.ChunkSize {
			whole = len(chunk)
		}
		if whole > 0 {
			_, _ = cutter.Write(chunk[:whole])
			sink.Sync()
		}
		return whole
	}
	exited := func(exit worker.Exit) {
		<-announced
		cutter.Flush()
		exit.Output = last.Lines()
		if unready := e.looker.drop(o.ID); unready && exit.Reason() == "exit_0" {
			e.push(func() {
				exit.Note = e.forkedAway(c, o.Generation)
				e.bury(c, o)
				e.report(supervisor.Exited{Pool: o.Pool, ID: o.ID, Exit: exit})
			})
			return
		}
		e.push(func() { e.bury(c, o) }) // before the successor's start, which the report brings about
		e.report(supervisor.Exited{Pool: o.Pool, ID: o.ID, Exit: exit})
	}
	return worker.Hooks{Output: output, Exited: exited}
}

// bury forgets a worker that has ended.
func (e *Executor) bury(c *crew, o supervisor.Start) {
	h := c.hands[o.ID]
	delete(c.hands, o.ID)
	delete(e.born, h.process.PID)
	if h.notify != nil {
		h.notify.Close()
	}
}

// awaitReady has somebody find out when the worker is ready.
func (e *Executor) awaitReady(c *crew, o supervisor.Start, h *hand) {
	switch c.cfg.Ready {
	case config.ReadyAuto:
		e.looker.add(watched{pool: o.Pool, id: o.ID, pid: h.process.PID, socket: h.socket, born: h.process.StartedAt})
	case config.ReadyNotify:
		uid := uint32(os.Geteuid())
		if cred := c.births[o.Generation].spec.Credential; cred != nil {
			uid = cred.UID
		}
		go func() { // ended by the worker's burial, which closes the socket
			if h.notify.Wait(uid) == nil {
				e.report(supervisor.Ready{Pool: o.Pool, ID: o.ID, At: time.Now()})
			}
		}()
	}
}

func (e *Executor) stop(c *crew, o supervisor.Stop) {
	h := c.hands[o.ID]
	if h == nil {
		return // it has ended, or could not be started: that is reported
	}
	plan := worker.StopPlan{Signal: c.cfg.StopSignal, Timeout: c.cfg.StopTimeout,
		Signalled: func() { e.report(supervisor.Signalled(o)) }}
	rests := newRests() // the stopping goroutine's
	plan.Connections = func() (map[uint64]bool, error) {
		figures, err := h.socket.Figures()
		if err != nil || len(figures.Accepted) == 0 {
			return nil, err
		}
		return rests.judge(figures, []int{h.process.PID}), nil
	}
	h.process.Stop(plan)
}
