package fastcgi

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"
)

// defaultTimeout is nginx's fastcgi_read_timeout.
const defaultTimeout = 60 * time.Second

// Gateway is an http.Handler that passes each request to a FastCGI application on
// a connection of its own. It stands in for a web server during development and
// demonstration; its fields must not change while it serves. Its functions are
// called from many goroutines at once.
type Gateway struct {
	Network, Address string // as Dial takes them
	Prefix           string // where the application is mounted: "" or "/app"
	ScriptFilename   string // see Target
	// Timeout bounds connecting, and how long a connection may stand still; 0: 60s.
	Timeout time.Duration

	// Stderr is handed each line of the application's FCGI_STDERR; nil: nobody is.
	// The slice is valid during the call.
	Stderr func(line []byte)
	// Error answers a request that failed before the application's headers came.
	// err is a *GatewayError. nil: WriteErrorPage.
	Error func(w http.ResponseWriter, r *http.Request, err error)
	// Cut is told of an answer that broke off after its headers, when all that could
	// be done was to cut the client's connection; nil: nobody is.
	Cut func(r *http.Request, err error)
}

// GatewayError is why a request could not be answered.
type GatewayError struct {
	Status int      // of the HTTP answer: 502, 504, 404, 400 or 500
	Stderr []string // the last lines of the application's stderr for this request
	Err    error
}

func (e *GatewayError) Error() string { return e.Err.Error() }
func (e *GatewayError) Unwrap() error { return e.Err }

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler, as the
// handler of a proxy does, when the connection has to be cut.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stderr := &lines{each: g.Stderr}
	defer stderr.finish()
	response, release, err := g.ask(w, r, stderr)
	defer release()
	if err != nil {
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // the client is gone
		}
		stderr.finish()
		g.fail(w, r, &GatewayError{statusOf(err), stderr.tail, err})
		return
	}
	defer response.Body.Close()
	copyHeader(w.Header(), response.Header)
	w.WriteHeader(response.Status)
	if err := copyBody(w, r, response); err != nil {
		if g.Cut != nil && r.Context().Err() == nil {
			g.Cut(r, err)
		}
		panic(http.ErrAbortHandler)
	}
}

func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, err *GatewayError) {
	if g.Error != nil {
		g.Error(w, r, err)
		return
	}
	WriteErrorPage(w, r, err)
}

// ask sends the request on and returns with the head of the answer. release is
// to be called, in any case, when the answer is over.
func (g *Gateway) ask(w http.ResponseWriter, r *http.Request, stderr io.Writer) (response *Response, release func(), err error) {
	stdin, length, release, err := requestBody(w, r)
	if err != nil {
		return nil, release, err
	}
	params, err := BaseParams(g.target(r, length))
	if err != nil {
		return nil, release, &badRequest{err}
	}
	timeout := cmp.Or(g.Timeout, defaultTimeout)
	dialing, cancel := context.WithTimeout(r.Context(), timeout)
	conn, err := Dial(dialing, g.Network, g.Address)
	cancel()
	if err != nil {
		return nil, release, err
	}
	response, err = Do(r.Context(), conn, &Request{Params: params, Stdin: stdin, Stderr: stderr, IdleTimeout: timeout})
	return response, release, err
}

func (g *Gateway) target(r *http.Request, length int64) Target {
	uri := r.RequestURI
	if uri == "" || uri[0] != '/' { // "GET http://host/path", or a request made by a test
		uri = r.URL.RequestURI()
	}
	target := Target{
		Method: r.Method, URI: uri, Protocol: r.Proto, Header: r.Header, Host: r.Host, HTTPS: r.TLS != nil,
		RemoteAddress: r.RemoteAddr, Prefix: g.Prefix, ContentLength: length, ScriptFilename: g.ScriptFilename,
	}
	if address, ok := r.Context().Value(http.LocalAddrContextKey).(interface{ String() string }); ok {
		target.ServerAddress = address.String()
	}
	return target
}

// requestBody is the body with its length, -1 for no body. It returns when the
// first byte is here, so that a slow client holds no worker before.
func requestBody(w http.ResponseWriter, r *http.Request) (stdin io.Reader, length int64, release func(), err error) {
	release = func() {}
	switch {
	case r.ContentLength > 0:
		controller := http.NewResponseController(w)
		// Without this, HTTP/1 in package net/http reads the body away at our first write.
		_ = controller.EnableFullDuplex()
		body := bufio.NewReader(r.Body)
		if _, err := body.Peek(1); err != nil {
			return nil, 0, release, &badRequest{err}
		}
		return &liveBody{body, controller}, r.ContentLength, release, nil
	case r.ContentLength < 0:
		s, err := newSpool(r.Body)
		if err != nil {
			return nil, 0, release, &badRequest{err}
		}
		return s.Reader, s.length, s.discard, nil
	case r.Header.Get("Content-Length") != "":
		return nil, 0, release, nil
	}
	return nil, -1, release, nil
}

// liveBody is a body that is still on its way from the client.
type liveBody struct {
	io.Reader
	controller *http.ResponseController
}

// Close ends a Read that waits for the client. Closing r.Body would not: it waits
// for the Read itself.
func (b *liveBody) Close() error { return b.controller.SetReadDeadline(time.Unix(1, 0)) }

// badRequest is a fault of the client, or of our disk.
type badRequest struct{ err error }

func (e *badRequest) Error() string { return e.err.Error() }
func (e *badRequest) Unwrap() error { return e.err }

func statusOf(err error) int {
	_, disk := errors.AsType[*fs.PathError](err)
	_, bad := errors.AsType[*badRequest](err)
	switch {
	case errors.Is(err, errOutsidePrefix):
		return http.StatusNotFound
	case bad && disk:
		return http.StatusInternalServerError
	case bad:
		return http.StatusBadRequest
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// copyHeader leaves out what concerns only the connection to the application.
func copyHeader(to, from http.Header) {
	skip := connectionHeaders(from)
	for name, values := range from {
		if !skip[name] {
			to[name] = values
		}
	}
	if to["Content-Type"] == nil {
		to["Content-Type"] = nil // keeps net/http from guessing
	}
	if lengths := to["Content-Length"]; len(lengths) > 1 {
		to["Content-Length"] = lengths[:1] // two would let clients disagree on where the answer ends
	}
}

// copyBody passes data on as it comes.
func copyBody(w http.ResponseWriter, r *http.Request, response *Response) error {
	controller := http.NewResponseController(w)
	_ = controller.Flush() // a ResponseWriter that cannot flush is no reason to fail
	if r.Method == http.MethodHead || response.Status == http.StatusNoContent || response.Status == http.StatusNotModified {
		// Read, so that the application can finish, and throw away: it must not be sent.
		_, err := io.Copy(io.Discard, response.Body)
		return err
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := response.Body.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			_ = controller.Flush()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
