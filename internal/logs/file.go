package logs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// FileMode is what a log file is created with: its group may read it.
const FileMode os.FileMode = 0o640

// File is a log file with rotation. Write belongs to one goroutine (a Queue's);
// Reopen may come from another.
//
// A FIFO or a device is written as a stream, without rotation.
type File struct {
	path     string
	maxSize  int64
	maxFiles int
	mode     uint32
	stream   *stream // nil: a regular file

	// A mutex, as USR1 must have been obeyed when Reopen returns, and a message
	// to the writing goroutine would wait behind a full queue. It is held for
	// one write at most.
	mu   sync.Mutex
	fd   int
	size int64 // bytes in the file, as far as we know
}

// OpenFile opens the log file at path for appending, and creates it with mode
// (less the umask) if it is missing. When it would grow beyond maxSize bytes (0:
// never) it is renamed to path.1, path.1 to path.2 and so on; maxFiles such old
// ones are kept. Symbolic links, folders, sockets and files with a second name are
// refused: as root we would write through them into somebody else's file.
func OpenFile(path string, maxSize int64, maxFiles int, mode os.FileMode) (*File, error) {
	f := &File{path: path, maxSize: maxSize, maxFiles: maxFiles, mode: uint32(mode.Perm())}
	fd, info, err := f.open()
	if err != nil {
		return nil, err
	}
	f.fd, f.size = fd, info.Size
	if info.Mode&unix.S_IFMT == unix.S_IFREG {
		return f, nil
	}
	if f.stream, err = newStream(fd); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("open log %s: %w", path, err)
	}
	return f, nil
}

// Pace is how a Queue in front of the file should treat its producers.
func (f *File) Pace() Pace {
	if f.stream != nil {
		return Drop
	}
	return Wait
}

// Write appends lines, which must be whole, with as few write(2)s as rotation
// allows; what is written by one of them is never split over two files. It
// returns how many bytes of whole lines are in the file: of a line that could
// be written in part only (disk full), the part is removed again. An error with
// all bytes written says that rotation failed and the file grows on.
func (f *File) Write(lines []byte) (int, error) {
	if f.stream != nil {
		return f.stream.Write(lines)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	written := 0
	var rotation error
	for written < len(lines) {
		piece := f.piece(lines[written:])
		if f.maxSize > 0 && f.size > 0 && f.size+int64(len(piece)) > f.maxSize {
			rotation = f.rotate()
		}
		n, err := f.append(piece)
		written += n
		if err != nil {
			return written, fmt.Errorf("write log %s: %w", f.path, err)
		}
	}
	return written, rotation
}

// piece is as many of the lines as one file may hold, at least one.
func (f *File) piece(lines []byte) []byte {
	if f.maxSize <= 0 {
		return lines
	}
	if fitting := wholeLines(lines, int(f.maxSize)); len(fitting) > 0 {
		return fitting
	}
	return firstLine(lines)
}

func (f *File) append(lines []byte) (int, error) {
	written := 0
	for written < len(lines) {
		n, err := unix.Write(f.fd, lines[written:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			whole := bytes.LastIndexByte(lines[:written], '\n') + 1
			f.cutBack(written - whole)
			f.size += int64(whole)
			return whole, err
		}
		written += n
	}
	f.size += int64(written)
	return written, nil
}

// cutBack removes the last bytes of the file: write(2) fills a disk to the last
// byte before it says ENOSPC, and the torn line would run into the next one.
func (f *File) cutBack(torn int) {
	var info unix.Stat_t
	if torn > 0 && unix.Fstat(f.fd, &info) == nil {
		_ = unix.Ftruncate(f.fd, info.Size-int64(torn))
	}
}

// Reopen opens the path again, for logrotate(8) that has moved the file away. If
// that fails the old file is written on. A stream stays as it is.
func (f *File) Reopen() error {
	if f.stream != nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reopen()
}

func (f *File) reopen() error {
	fd, info, err := f.open()
	if err != nil {
		return err
	}
	if info.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = unix.Close(fd)
		return fmt.Errorf("open log %s: no longer a regular file", f.path)
	}
	_ = unix.Close(f.fd)
	f.fd, f.size = fd, info.Size
	return nil
}

// Interrupt ends a Write that waits for a reader, and all that follow.
func (f *File) Interrupt() {
	if f.stream != nil {
		f.stream.Interrupt()
	}
}

// Close closes the file; Write must have returned.
func (f *File) Close() error {
	if f.stream != nil {
		f.stream.close()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := unix.Close(f.fd); err != nil {
		return fmt.Errorf("close log %s: %w", f.path, err)
	}
	return nil
}

// open opens the path and checks what it found. O_NONBLOCK keeps the open of a
// FIFO from waiting for its reader; it means nothing to a regular file.
func (f *File) open() (int, *unix.Stat_t, error) {
	const flags = unix.O_APPEND | unix.O_CREAT | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	fd, err := openAgain(f.path, flags|unix.O_WRONLY, f.mode)
	if errors.Is(err, unix.ENXIO) {
		// A FIFO without a reader; fifo(7): O_RDWR succeeds, and what is
		// written waits for the reader.
		fd, err = openAgain(f.path, flags&^unix.O_CREAT|unix.O_RDWR, 0)
	}
	if errors.Is(err, unix.ELOOP) {
		return -1, nil, fmt.Errorf("open log %s: it is a symbolic link, which is not followed", f.path)
	}
	if err != nil {
		return -1, nil, fmt.Errorf("open log %s: %w", f.path, err)
	}
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		_ = unix.Close(fd)
		return -1, nil, fmt.Errorf("open log %s: fstat: %w", f.path, err)
	}
	if info.Mode&unix.S_IFMT == unix.S_IFREG && info.Nlink > 1 {
		_ = unix.Close(fd)
		return -1, nil, fmt.Errorf("open log %s: the file has a second name (hard link); remove one of them", f.path)
	}
	return fd, &info, nil
}

// openAgain is open(2), repeated when one of the runtime's signals interrupts it:
// network file systems and FUSE do that.
func openAgain(path string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Open(path, flags, mode)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}
