package fastcgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// faultClosed is an end of the connection between two records, without END_REQUEST.
var faultClosed = &Fault{
	What:   "the application closed the connection without ending the request (no END_REQUEST)",
	Advice: "see the worker's own output and its last exit: it probably died while it answered",
}

// faultSilent is an end of the connection before the application sent anything at all.
var faultSilent = &Fault{
	What: "the application closed the connection before sending a byte",
	Advice: "see the worker's own output and its last exit: it probably died, " +
		"or does not speak FastCGI, or refuses our address (FCGI_WEB_SERVER_ADDRS)",
}

// answer turns the records of one request's answer into the application's
// standard output. It belongs to the goroutine that reads.
type answer struct {
	ctx    context.Context
	from   *bufio.Reader
	stderr io.Writer     // nil: thrown away
	idle   time.Duration // Request.IdleTimeout, for the text of a time-out

	left        int // bytes of the present STDOUT record still to be read
	padding     int // bytes to skip before the next record
	stderrBytes int64
	begun       bool // at least one byte has arrived
	stdoutEnded bool // an empty STDOUT record, which closes the stream, was seen
	end         *EndRequest
	err         error // returned for ever, once set
}

// Read returns io.EOF only when the answer is whole.
func (a *answer) Read(p []byte) (int, error) {
	for a.left == 0 && a.err == nil {
		a.err = a.next()
	}
	if a.left == 0 || len(p) == 0 {
		return 0, a.err
	}
	n, err := a.from.Read(p[:min(len(p), a.left)])
	a.left -= n
	if err != nil {
		a.err = a.broken(err, fmt.Sprintf("a STDOUT record (%d bytes are missing)", a.left))
		a.left = 0
	}
	return n, a.err
}

// next reads up to the content of the next STDOUT record, or to the end.
func (a *answer) next() error {
	if _, err := a.from.Discard(a.padding); err != nil {
		return a.broken(err, "a record's padding")
	}
	h, err := a.readHeader()
	if err != nil {
		return err
	}
	a.padding = h.padding
	switch h.kind {
	case typeStdout:
		// Data after an empty record is against section 3.3 (a stream ends with it), but
		// an application that flushes nothing by mistake sends it, and it does no harm.
		a.left = h.content
		a.stdoutEnded = h.content == 0
		return nil
	case typeStderr:
		return a.readStderr(h.content)
	case typeEndRequest:
		return a.readEnd(h.content)
	}
	return &Fault{What: fmt.Sprintf("the application sent a record of %v, which is not part of an answer", h.kind)}
}

func (a *answer) readHeader() (header, error) {
	var raw [headerLength]byte
	n, err := io.ReadFull(a.from, raw[:])
	first := !a.begun
	a.begun = a.begun || n > 0
	switch {
	case n == 0 && err != nil:
		return header{}, a.closed(err)
	case err != nil:
		return header{}, a.broken(err, fmt.Sprintf("a record header (%d of %d bytes)", n, headerLength))
	}
	h := parseHeader(raw)
	switch {
	case h.version != version1 && first:
		return h, &Fault{
			What:   fmt.Sprintf("the answer is not FastCGI: it begins with %s", quote(raw[:])),
			Advice: "check the address: something else (an HTTP server?) answers there",
		}
	case h.version != version1:
		return h, &Fault{What: fmt.Sprintf(
			"the application sent a record of version %d instead of 1: the length of the record before it may be wrong", h.version)}
	case h.requestID != requestID:
		return h, &Fault{What: fmt.Sprintf(
			"the application sent a %v record for request %d, but only request %d was begun", h.kind, h.requestID, requestID)}
	}
	return h, nil
}

func (a *answer) readStderr(length int) error {
	content := make([]byte, length)
	n, err := io.ReadFull(a.from, content)
	a.stderrBytes += int64(n)
	if a.stderr != nil {
		// A log that cannot be written must not fail the request it is about.
		_, _ = a.stderr.Write(content[:n])
	}
	if err != nil {
		return a.broken(err, fmt.Sprintf("a STDERR record (%d of %d bytes)", n, length))
	}
	return nil
}

func (a *answer) readEnd(length int) error {
	var raw [endRequestLength]byte
	if length != len(raw) {
		return &Fault{What: fmt.Sprintf("the application sent an END_REQUEST of %d bytes instead of %d", length, len(raw))}
	}
	if n, err := io.ReadFull(a.from, raw[:]); err != nil {
		return a.broken(err, fmt.Sprintf("an END_REQUEST record (%d of %d bytes)", n, length))
	}
	end := parseEndRequest(raw)
	a.end = &end
	if _, err := a.from.Discard(min(a.padding, a.from.Buffered())); err != nil {
		return a.broken(err, "a record's padding")
	}
	// Only what is here already is looked at: libfcgi keeps the connection open for
	// up to two seconds after its answer, others for ever.
	if extra, _ := a.from.Peek(min(a.from.Buffered(), quoteLimit)); len(extra) > 0 {
		return &Fault{What: fmt.Sprintf("the application went on writing after END_REQUEST: %s", quote(extra))}
	}
	switch end.Protocol {
	case RequestComplete:
		return io.EOF
	case Overloaded:
		return &Fault{What: fmt.Sprintf("the application refused the request: it is overloaded (%v)", end),
			Advice: "raise processes, or see what the workers are waiting for"}
	case CantMultiplex:
		return &Fault{What: fmt.Sprintf("the application refused the request: it takes one at a time on a connection (%v)", end),
			Advice: "it takes our only request for a second one: its state of the connection before is wrong"}
	case UnknownRole:
		return &Fault{What: fmt.Sprintf("the application refused the request: it is no responder (%v)", end),
			Advice: "it may be an authorizer or a filter, which a web server asks in another way"}
	}
	return &Fault{What: fmt.Sprintf("the application ended the request with an unknown status (%v)", end)}
}

// closed explains why no further record came.
func (a *answer) closed(err error) error {
	switch {
	case !isHangup(err):
		return a.broken(err, "")
	case a.stdoutEnded:
		return io.EOF // the stream was closed properly; only the farewell is missing
	case !a.begun:
		return faultSilent
	}
	return faultClosed
}

// broken explains why a read failed; within says in the middle of what.
func (a *answer) broken(err error, within string) error {
	switch {
	case a.ctx.Err() != nil:
		return fmt.Errorf("wait for the application's answer: %w", context.Cause(a.ctx))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Fault{What: fmt.Sprintf("no answer for %v", a.idle), Err: err,
			Advice: "see what the worker is doing: it is slow, stuck, or waits for something itself"}
	case isHangup(err):
		return &Fault{What: "the application closed the connection in the middle of " + within, Advice: faultClosed.Advice}
	}
	return fmt.Errorf("read the application's answer: %v", err)
}

// isHangup reports whether err means that the peer has closed. A peer that
// closes with unread data in its queue resets the connection (unix(7), RFC 1122 4.2.2.13).
func isHangup(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
