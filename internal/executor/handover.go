package executor

import "os/exec"

// Descriptors are what a program that takes our place must have: the sockets of
// all pools, by inode, and our ends of the workers' pipes, by pid. Nothing is under
// way when they are returned; the loop must be frozen.
func (e *Executor) Descriptors() (sockets map[uint64]int, pipes map[int]int) {
	sockets, pipes = map[uint64]int{}, map[int]int{}
	e.wait(func() {
		for _, c := range e.all() {
			for _, s := range c.sockets() {
				if s.FD() >= 0 {
					sockets[s.Inode()] = s.FD()
				}
			}
			for _, h := range c.hands {
				if pipe := h.process.Pipe(); pipe > 0 {
					pipes[h.process.PID] = pipe
				}
			}
		}
	})
	return sockets, pipes
}

// RunHelper runs a program that is no worker. Children are reaped by the executor
// unless it knows them.
func (e *Executor) RunHelper(cmd *exec.Cmd) error {
	var err error
	e.wait(func() {
		if err = cmd.Start(); err == nil {
			e.born[cmd.Process.Pid] = true
		}
	})
	if err == nil {
		err = cmd.Wait()
		e.wait(func() { delete(e.born, cmd.Process.Pid) })
	}
	return err
}
