//go:build linux && (amd64 || arm64)

package worker

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// What a worker has written is copied out of its pipe, and taken out only when it
// is where it belongs: if we die in between, our successor finds it in the pipe.

// mirror is a pipe that tee(2) copies into and that is empty between two uses.
type mirror struct{ read, write int }

// mirrors are kept open for the next use; those that do not fit are closed. Each
// use takes microseconds, so few are needed.
var mirrors = make(chan mirror, 2)

// null is where discard moves bytes to; open for the life of the process.
var null = sync.OnceValues(func() (int, error) {
	return unix.Open(os.DevNull, unix.O_WRONLY|unix.O_CLOEXEC, 0)
})

func borrowMirror() (mirror, error) {
	select {
	case m := <-mirrors:
		return m, nil
	default:
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return mirror{}, err
	}
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize)
	return mirror{fds[0], fds[1]}, nil
}

func (m mirror) giveBack() {
	select {
	case mirrors <- m:
	default:
		unix.Close(m.read)
		unix.Close(m.write)
	}
}

// peek copies what is at the front of a pipe to buffer and leaves it there. It
// returns 0 at the pipe's end, and EAGAIN while it is empty.
func peek(pipe int, buffer []byte) (int, error) {
	m, err := borrowMirror()
	if err != nil {
		return 0, err
	}
	defer m.giveBack()
	var copied int64
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		copied, err = unix.Tee(pipe, m.write, len(buffer), unix.SPLICE_F_NONBLOCK)
	}
	if err != nil {
		return 0, err
	}
	n := 0
	for n < int(copied) {
		got, err := unix.Read(m.read, buffer[n:copied])
		if err != nil && !errors.Is(err, unix.EINTR) {
			return n, err
		}
		n += max(got, 0)
	}
	return n, nil
}

// discard takes n bytes, which peek has seen, out of the pipe, without copying
// them.
func discard(pipe, n int) {
	sink, err := null()
	for n > 0 && err == nil {
		var moved int64
		moved, err = unix.Splice(pipe, nil, sink, nil, n, unix.SPLICE_F_NONBLOCK)
		n -= int(max(moved, 0))
		if errors.Is(err, unix.EINTR) {
			err = nil
		}
	}
}
