package fastcgi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
)

// maxUnixPath is sun_path without its closing NUL (unix(7)).
const maxUnixPath = 107

// Dial connects to an application. network is "unix", with a path or "@NAME" for
// the abstract name space, or "tcp" with HOST:PORT. That it succeeds only means
// that the kernel listens; hand the connection to Do at once, since one that says
// nothing keeps a worker from everybody else. What a person can mend is a *Fault.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "unix" && len(address) > maxUnixPath {
		return nil, &Fault{What: fmt.Sprintf("the socket path has %d bytes, but Linux allows %d: %s", len(address), maxUnixPath, address),
			Advice: "use a shorter path"}
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, explainDial(network, address, err)
	}
	return conn, nil
}

func explainDial(network, address string, err error) error {
	fault := &Fault{What: fmt.Sprintf("connect to %s:%s", network, address), Err: err}
	if _, errno, found := strings.Cut(err.Error(), "connect: "); found {
		fault.Err = shortError{errno, err}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fault.Advice = "there is no such socket: is the pool running, and is the path right?"
	case errors.Is(err, syscall.ECONNREFUSED):
		fault.Advice = "nobody listens there: is the pool running?"
	case errors.Is(err, fs.ErrPermission):
		fault.Advice = "connecting needs write permission on the socket and search permission on every folder above it"
	case errors.Is(err, syscall.EAGAIN):
		fault.Advice = "the queue of the socket is full: every worker is busy; raise processes or find out what they wait for"
	case errors.Is(err, syscall.EPROTOTYPE):
		fault.Advice = "this is a socket of another kind (datagram), not one that FastCGI is spoken on"
	}
	return fault
}

// shortError leaves out the address, which package net repeats before the errno.
type shortError struct {
	text string
	err  error
}

func (e shortError) Error() string { return e.text }
func (e shortError) Unwrap() error { return e.err }
