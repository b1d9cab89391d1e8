//go:build linux && (amd64 || arm64)

package worker

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// pipeSize is how much a worker can write before it waits for us, and ChunkSize
// how much we read at once. With the usual 64 KiB, pipe(7), a worker that writes
// a lot and we take turns, and most of the time goes into switching.
const (
	pipeSize  = 512 << 10
	ChunkSize = 256 << 10
)

// lastWords bounds what is still read from the pipe of a dead worker: a process
// that escaped its group may go on writing for ever.
const lastWords = 1 << 20

// chunks are only held while there is something to read, so that idle workers
// cost no buffer.
var chunks = sync.Pool{New: func() any { return new([ChunkSize]byte) }}

// output is our end of a worker's pipe.
type output struct {
	pipe  *os.File // non-blocking, in the poller; closed by read when it ends
	ended bool     // nobody is left who could write; written by the reader
	done  chan struct{}
}

// newOutput makes the pipe. The worker's end is opened read-write, fifo(7), so
// that it never breaks: if we die the worker does not get SIGPIPE, and what it
// writes waits in the pipe for our successor.
func newOutput() (*output, int, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, 0, fmt.Errorf("make an output pipe: %w", err)
	}
	// Beyond /proc/sys/fs/pipe-user-pages-soft only root may; then it stays small.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize)
	theirs, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fds[1]), unix.O_RDWR|unix.O_CLOEXEC, 0)
	unix.Close(fds[1])
	if err != nil {
		unix.Close(fds[0])
		return nil, 0, fmt.Errorf("open the output pipe read-write: %w", err)
	}
	// The flag is on our open file description alone: theirs stays blocking.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		unix.Close(theirs)
		return nil, 0, fmt.Errorf("make the output pipe non-blocking: %w", err)
	}
	return openOutput(fds[0]), theirs, nil
}

func openOutput(fd int) *output {
	return &output{pipe: os.NewFile(uintptr(fd), "worker output"), done: make(chan struct{})}
}

// read hands on what the worker writes until finish is called.
func (o *output) read(take func(chunk []byte, last bool) int) {
	defer close(o.done)
	raw, err := o.pipe.SyscallConn()
	if err != nil {
		return
	}
	for err == nil && !o.ended {
		err = raw.Read(func(fd uintptr) bool { return o.drain(int(fd), take) })
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// Not through the poller: its deadline has passed for good.
		_ = raw.Control(func(fd uintptr) { readLast(int(fd), take) })
	}
	o.pipe.Close()
}

// drain hands on one chunk when the pipe may be readable; false means: wait until
// the worker has written more. No more than one, so that the deadline is seen
// between two.
func (o *output) drain(fd int, take func([]byte, bool) int) bool {
	readings.RLock()
	defer readings.RUnlock()
	buffer := chunks.Get().(*[ChunkSize]byte)
	defer chunks.Put(buffer)
	n, err := peek(fd, buffer[:])
	switch {
	case n > 0:
		taken := take(buffer[:n], false)
		discard(fd, taken)
		return taken == n || n == len(buffer)
	case errors.Is(err, unix.EAGAIN):
		return false
	}
	o.ended = true
	return true
}

// readLast empties the pipe once the worker has ended.
func readLast(fd int, take func([]byte, bool) int) {
	buffer := chunks.Get().(*[ChunkSize]byte)
	defer chunks.Put(buffer)
	for left := lastWords; left > 0; {
		n, err := peek(fd, buffer[:])
		if n <= 0 || err != nil {
			return
		}
		take(buffer[:n], true)
		discard(fd, n)
		left -= n
	}
}

// finish ends the reader after it has taken all that is in the pipe.
func (o *output) finish() {
	_ = o.pipe.SetReadDeadline(time.Unix(1, 0))
	<-o.done
}
