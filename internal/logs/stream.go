package logs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pipeAtomic is PIPE_BUF of Linux (pipe(7)): a write of at most so much is not
// mixed with what others write to the same pipe, and does not block when poll(2)
// said that there is room.
const pipeAtomic = 4096

// errInterrupted is why a write to a stream ended that nobody took.
var errInterrupted = errors.New("interrupted")

// stream writes to what may let its writer wait for ever: a pipe, a terminal, a
// socket, a device. The descriptor is often shared with the shell that started
// us, so its O_NONBLOCK is left alone; it is polled, and given small pieces.
type stream struct {
	fd    int
	woken *os.File // readable at its end once Interrupt was called
	wake  *os.File // closed by Interrupt, first, or close
}

func newStream(fd int) (*stream, error) {
	woken, wake, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a wake-up pipe: %w", err)
	}
	return &stream{fd: fd, woken: woken, wake: wake}, nil
}

// Write writes everything unless it is interrupted or the stream is broken. It
// returns how many bytes were taken.
func (s *stream) Write(lines []byte) (int, error) {
	written := 0
	for written < len(lines) {
		if err := s.wait(); err != nil {
			return written, err
		}
		n, err := unix.Write(s.fd, streamPiece(lines[written:]))
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		case err != nil:
			return written, fmt.Errorf("write log: %w", err)
		default:
			written += n
		}
	}
	return written, nil
}

// streamPiece is what to write at once: whole lines if possible, so that they
// stay whole among the lines of others.
func streamPiece(lines []byte) []byte {
	if whole := wholeLines(lines, pipeAtomic); len(whole) > 0 {
		return whole
	}
	return lines[:pipeAtomic]
}

// wait returns when the stream takes something or is broken (write(2) then says
// how), or with errInterrupted.
func (s *stream) wait() error {
	fds := []unix.PollFd{
		{Fd: int32(s.fd), Events: unix.POLLOUT},
		{Fd: int32(s.woken.Fd()), Events: unix.POLLIN},
	}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("poll log: %w", err)
		case fds[1].Revents != 0:
			return errInterrupted
		default:
			return nil
		}
	}
}

// Interrupt ends a Write that waits, and all that follow.
func (s *stream) Interrupt() {
	_ = s.wake.Close()
}

// close gives back what newStream took; the descriptor itself is its owner's.
func (s *stream) close() {
	_ = s.wake.Close()
	_ = s.woken.Close()
}
