package dev

import (
	"os"

	"golang.org/x/sys/unix"
)

func isTerminal(file *os.File) bool {
	if file == nil {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// openKeys reads single keys from a terminal; restore gives it its old settings
// back. Signals and the look of output stay as they are (termios(3): only ICANON and
// ECHO go). keys is nil where there is no terminal. The goroutine that reads ends
// with the terminal, or with the process.
func openKeys(file *os.File) (keys <-chan byte, restore func()) {
	if !isTerminal(file) {
		return nil, nil
	}
	fd := int(file.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, nil
	}
	single := *before
	single.Lflag &^= unix.ICANON | unix.ECHO
	single.Cc[unix.VMIN], single.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &single); err != nil {
		return nil, nil
	}
	pressed := make(chan byte)
	stopped := make(chan struct{})
	go readKeys(fd, pressed, stopped)
	return pressed, func() {
		close(stopped)
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, before)
	}
}

// readKeys ends after the first key that nobody wants any more: a read(2) of a
// terminal cannot be taken back.
func readKeys(fd int, pressed chan<- byte, stopped <-chan struct{}) {
	defer close(pressed)
	for {
		var key [1]byte
		n, err := unix.Read(fd, key[:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return
		}
		select {
		case pressed <- key[0]:
		case <-stopped:
			return
		}
	}
}
