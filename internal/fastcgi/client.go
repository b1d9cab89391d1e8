package fastcgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Request is one FastCGI request for a responder.
type Request struct {
	// Params are sent in this order; a name may occur twice. BaseParams makes them.
	Params []Param

	// Stdin is the body; nil for none. It is read by a goroutine of Do's until it
	// ends or the Response is closed. If it is also an io.Closer and the answer is
	// over first, it is closed, to end a Read that blocks; else it is left open.
	Stdin io.Reader

	// Stderr gets the application's FCGI_STDERR stream as it comes; nil: thrown
	// away. It is called by whoever reads the answer. Its errors are ignored.
	Stderr io.Writer

	// IdleTimeout is how long the connection may stand still in both directions;
	// 0: for ever (the context's deadline holds in any case).
	IdleTimeout time.Duration

	// KeepConn asks the application to keep the connection. After a whole answer
	// the connection is then the caller's again; else Do closes it.
	KeepConn bool
}

// stdinChunk is a multiple of eight, so that full records need no padding.
const stdinChunk = 32 << 10

// Response is an answer whose head has arrived.
type Response struct {
	Head
	// Body is the rest of the answer. Its Read returns io.EOF only if the
	// application ended the request properly. Close it in any case: it ends the
	// connection (see KeepConn) and waits until Stdin is no longer read.
	Body io.ReadCloser

	exchange *exchange
}

// End is how the application ended the request; false until the body has been
// read, and when it closed its output stream but never said END_REQUEST.
func (r *Response) End() (EndRequest, bool) {
	if end := r.exchange.answer.end; end != nil {
		return *end, true
	}
	return EndRequest{}, false
}

// exchange is one request on its connection.
type exchange struct {
	conn    net.Conn
	request *Request
	ctx     context.Context // ends with the caller's, or when Stdin fails
	cancel  context.CancelCauseFunc
	stop    func() bool   // detaches the connection from ctx
	written chan struct{} // closed by write when it returns
	answer  *answer       // the reader's alone
	body    *bufio.Reader // answer, with what was read beyond the head
}

// Do sends the request and returns when the head of the answer has arrived. It
// owns conn from here on, also when it fails. Begin, parameters and the first
// bytes of Stdin leave in one write. The end of ctx ends everything, the reading
// of the body too. An answer that breaks the rules of FastCGI or CGI is a *Fault.
func Do(ctx context.Context, conn net.Conn, request *Request) (*Response, error) {
	opening, err := appendParamsStream(appendBeginRequest(nil, request.KeepConn), request.Params)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if request.IdleTimeout > 0 {
		conn = &idleConn{conn, request.IdleTimeout}
	}
	x := &exchange{conn: conn, request: request, written: make(chan struct{})}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.answer = &answer{ctx: x.ctx, from: bufio.NewReader(conn), stderr: request.Stderr, idle: request.IdleTimeout}
	x.body = bufio.NewReader(x.answer)
	x.stop = context.AfterFunc(x.ctx, x.abort)
	go x.write(opening) // ends when Stdin does, or with the connection

	head, err := readHead(x.body)
	if err != nil {
		x.Close()
		return nil, x.explain(err)
	}
	return &Response{Head: *head, Body: x, exchange: x}, nil
}

// explain adds how the request ended to a missing head.
func (x *exchange) explain(err error) error {
	if !errors.Is(err, errNoHead) && !errors.Is(err, faultClosed) {
		return err
	}
	detail := "no END_REQUEST"
	if x.answer.end != nil {
		detail = x.answer.end.String()
	}
	if n := x.answer.stderrBytes; n > 0 {
		detail += fmt.Sprintf("; %d bytes on stderr", n)
	}
	return &Fault{What: fmt.Sprintf("the application ended the request before sending headers (%s)", detail),
		Advice: "see its stderr and the worker's output: it probably failed before it printed anything"}
}

// write sends the request. A failing connection is left for the reader to judge:
// an application may answer, and close, without reading the body.
func (x *exchange) write(record []byte) {
	defer close(x.written)
	if x.request.Stdin == nil {
		_, _ = x.conn.Write(appendRecord(record, typeStdin, nil))
		return
	}
	chunk := make([]byte, stdinChunk)
	for {
		n, err := x.request.Stdin.Read(chunk)
		if n > 0 {
			record = appendRecord(record, typeStdin, chunk[:n])
		}
		switch {
		case errors.Is(err, io.EOF):
			record = appendRecord(record, typeStdin, nil)
		case err != nil:
			// The application would wait for the rest; cutting is all that is left.
			x.cancel(fmt.Errorf("read the request's body: %w", err))
			return
		}
		if _, failed := x.conn.Write(record); failed != nil || err != nil {
			return
		}
		record = record[:0]
	}
}

// Read reads the body.
func (x *exchange) Read(p []byte) (int, error) { return x.body.Read(p) }

// Close gives the connection back after a whole answer with KeepConn, else closes it.
func (x *exchange) Close() error {
	whole := x.answer.end != nil && errors.Is(x.answer.err, io.EOF)
	if x.request.KeepConn && whole {
		<-x.written // the rest of this request's body must not meet the next request
	}
	if cancelled := !x.stop(); !x.request.KeepConn || !whole || cancelled {
		x.abort()
	} else if x.request.IdleTimeout > 0 {
		_ = x.conn.SetDeadline(time.Time{}) // idleConn's must not outlive the request
	}
	<-x.written
	x.cancel(nil)
	return nil
}

// abort makes every read and write of the exchange return. It may run twice.
func (x *exchange) abort() {
	x.conn.Close()
	select {
	case <-x.written:
	default:
		if closer, ok := x.request.Stdin.(io.Closer); ok {
			closer.Close()
		}
	}
}

// idleConn ends when it has stood still for a while.
type idleConn struct {
	net.Conn
	timeout time.Duration
}

func (c *idleConn) Read(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *idleConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
