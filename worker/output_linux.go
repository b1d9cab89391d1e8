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

// pipeSize is how much a worker can write before it waits for us, and chunkSize
// how much we read at once. With the usual 64 KiB, pipe(7), a worker that writes
// a lot and we take turns, and most of the time goes into switching.
const (
	pipeSize  = 512 << 10
	chunkSize = 256 << 10
)

// lastWords bounds what is still read from the pipe of a dead worker: a process
// that escaped its group may go on writing for ever.
const lastWords = 1 << 20

// chunks are only held while there is something to read, so that idle workers
// cost no buffer.
var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// output is our end of a worker's pipe.
type output struct {
	pipe  *os.File     // non-blocking, in the poller; closed by read when it ends
	sink  func([]byte) // called by the reader goroutine alone
	ended bool         // nobody is left who could write; written by the reader
	done  chan struct{}
}

// newOutput makes the pipe. The worker's end is opened read-write, fifo(7), so
// that it never breaks: if we die the worker does not get SIGPIPE, and what it
// writes waits in the pipe for our successor.
func newOutput(sink func([]byte)) (*output, int, error) {
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
	o := &output{pipe: os.NewFile(uintptr(fds[0]), "worker output"), sink: sink, done: make(chan struct{})}
	return o, theirs, nil
}

// read hands on what the worker writes until finish is called.
func (o *output) read() {
	defer close(o.done)
	raw, err := o.pipe.SyscallConn()
	if err != nil {
		return
	}
	for err == nil && !o.ended {
		err = raw.Read(o.drain)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		o.readLast()
	}
	o.pipe.Close()
}

// drain takes one chunk when the pipe may be readable; false means: wait again.
// No more than one, so that the deadline is seen between two.
func (o *output) drain(fd uintptr) bool {
	buffer := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(buffer)
	n, err := unix.Read(int(fd), buffer[:])
	if n > 0 {
		o.sink(buffer[:n])
	}
	if errors.Is(err, unix.EAGAIN) {
		return false
	}
	o.ended = n <= 0 && !errors.Is(err, unix.EINTR)
	return true
}

// readLast empties the pipe once the worker has ended.
func (o *output) readLast() {
	buffer := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(buffer)
	// Not through the poller: its deadline has passed for good.
	raw, err := o.pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		for left := lastWords; left > 0; {
			n, err := unix.Read(int(fd), buffer[:])
			if n <= 0 || err != nil {
				return
			}
			o.sink(buffer[:n])
			left -= n
		}
	})
}

// finish ends the reader after it has taken all that is in the pipe.
func (o *output) finish() {
	_ = o.pipe.SetReadDeadline(time.Unix(1, 0))
	<-o.done
}
