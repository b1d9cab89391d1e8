package doctor

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"fcgi-supervisor/internal/fastcgi"
)

// Bounds of what is kept of an answer.
const (
	keptAnswer = 8 << 10  // of the raw bytes
	keptBody   = 64 << 10 // for what error pages quote
)

// question is one request as it will be sent.
type question struct {
	path, prefix string
	params       []string // NAME=VALUE, in the place of ours
	directory    string   // DOCUMENT_ROOT
	script       string   // SCRIPT_FILENAME; may be empty
}

// reply is what came of a question.
type reply struct {
	status int // 0: there was no answer
	err    error
	lines  []string // headers
	body   string   // its beginning
	stderr string   // the FCGI_STDERR stream
	raw    []byte   // the beginning of the application's output stream
	took   time.Duration
	names  string // SCRIPT_NAME and PATH_INFO as they were sent
}

// ask sends one complete real request, as a web server would.
func ask(ctx context.Context, q question, conn net.Conn) reply {
	begun := time.Now()
	params, err := q.build()
	if err != nil {
		conn.Close()
		return reply{err: err}
	}
	var stderr bytes.Buffer
	record := &recorder{Conn: conn}
	r := reply{names: namesIn(params)}
	response, err := fastcgi.Do(ctx, record, &fastcgi.Request{Params: params, Stderr: &stderr})
	if err == nil {
		var body []byte
		r.status, r.lines = response.Status, response.Lines
		body, err = io.ReadAll(io.LimitReader(response.Body, keptBody))
		rest, restErr := io.Copy(io.Discard, response.Body)
		if err == nil {
			err = restErr
		}
		r.body = string(body)
		if err == nil {
			err = wrongLength(response, int64(len(body))+rest)
		}
		response.Body.Close()
	}
	r.err, r.took, r.stderr = err, time.Since(begun), stderr.String()
	r.raw = stdoutOf(record.bytes())
	return r
}

// wrongLength finds an answer that a web server would cut, or wait on for more.
func wrongLength(response *fastcgi.Response, received int64) error {
	said := response.Header.Get("Content-Length")
	if length, err := strconv.ParseInt(said, 10, 64); said == "" || response.Status == http.StatusNotModified || err == nil && length == received {
		return nil
	}
	return &fastcgi.Fault{What: fmt.Sprintf("the application announced Content-Length: %s but sent %d bytes", said, received),
		Advice: "count bytes, not characters, or leave Content-Length out"}
}

func (q question) build() ([]fastcgi.Param, error) {
	params, err := fastcgi.BaseParams(fastcgi.Target{URI: q.path, Host: "localhost", RemoteAddress: "127.0.0.1", Prefix: q.prefix,
		Header: http.Header{"User-Agent": {"fcgi-supervisor doctor"}}, ContentLength: -1, ScriptFilename: q.script})
	if err != nil {
		return nil, err
	}
	params = append(params, fastcgi.Param{Name: "DOCUMENT_ROOT", Value: q.directory})
	for _, p := range q.params {
		name, value, _ := strings.Cut(p, "=")
		params = fastcgi.Set(params, fastcgi.Param{Name: name, Value: value})
	}
	return params, nil
}

func namesIn(params []fastcgi.Param) string {
	values := map[string]string{}
	for _, p := range params {
		values[p.Name] = p.Value
	}
	return fmt.Sprintf("SCRIPT_NAME=%q PATH_INFO=%q", values["SCRIPT_NAME"], values["PATH_INFO"])
}

// recorder keeps the beginning of what is read from a connection.
type recorder struct {
	net.Conn
	mu   sync.Mutex // Do's goroutine reads, ask's looks
	seen []byte
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	r.seen = append(r.seen, p[:min(n, max(0, keptAnswer-len(r.seen)))]...)
	r.mu.Unlock()
	return n, err
}

func (r *recorder) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// stdoutOf puts the content of the STDOUT records together (section 3.3 of the
// specification); bytes that are no FastCGI stay as they are.
func stdoutOf(raw []byte) []byte {
	const headerLength, version, stdout = 8, 1, 6
	if len(raw) < headerLength || raw[0] != version {
		return raw
	}
	var content []byte
	for len(raw) >= headerLength && raw[0] == version {
		length, padding := int(binary.BigEndian.Uint16(raw[4:])), int(raw[6])
		kind, rest := raw[1], raw[headerLength:]
		if kind == stdout {
			content = append(content, rest[:min(length, len(rest))]...)
		}
		raw = rest[min(length+padding, len(rest)):]
	}
	return content
}

// timedOut says that nothing came in time.
func (r reply) timedOut() bool { return errors.Is(r.err, context.DeadlineExceeded) }

// fine is an answer that shows nothing wrong.
func (r reply) fine() bool { return r.err == nil && r.status < http.StatusInternalServerError }
