package fastcgi

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// What all tests of this package share: a real FastCGI server (package
// net/http/fcgi), and a peer whose every byte the test writes. Not covered
// anywhere here: applications in other languages (the end-to-end tests run
// them), TLS and HTTP/2 in front of the gateway, a full disk under its spool.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a real FastCGI application and returns its address.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	address, listener := listenUnix(t)
	done := make(chan struct{})
	go func() { // ends when the listener is closed
		defer close(done)
		_ = fcgi.Serve(listener, handler)
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return address
}

// script plays an application for one connection and closes it.
func script(t testing.TB, play func(conn net.Conn)) string {
	t.Helper()
	address, listener := listenUnix(t)
	done := make(chan struct{})
	go func() { // ends after one connection, or when the listener is closed
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		play(conn)
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return address
}

// answers plays an application that reads the request and writes these bytes.
func answers(t testing.TB, records ...[]byte) string {
	return script(t, func(conn net.Conn) {
		readRequest(t, conn)
		_, _ = conn.Write(bytes.Join(records, nil)) // one write: the hostile cases rely on it
	})
}

func listenUnix(t testing.TB) (string, net.Listener) {
	t.Helper()
	address := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	return address, listener
}

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := Dial(context.Background(), "unix", address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// do sends a request and reads all of the answer.
func do(t testing.TB, address string, request *Request) (*Response, []byte, error) {
	t.Helper()
	response, err := Do(context.Background(), dial(t, address), request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

// get is a request that net/http/fcgi accepts.
func get(uri string) *Request {
	params, err := BaseParams(Target{URI: uri, Host: "localhost", ContentLength: -1})
	if err != nil {
		panic(err)
	}
	return &Request{Params: params}
}

func post(body io.Reader, length int64) *Request {
	params, err := BaseParams(Target{Method: "POST", URI: "/", Host: "localhost", ContentLength: length})
	if err != nil {
		panic(err)
	}
	return &Request{Params: params, Stdin: body}
}

// readRequest reads one request to the end of its STDIN.
func readRequest(t testing.TB, conn net.Conn) (params []Param, stdin []byte) {
	var stream []byte
	for {
		h, content, err := readRecord(conn)
		if err != nil {
			t.Errorf("the peer reads the request: %v", err)
			return nil, nil
		}
		switch h.kind {
		case typeParams:
			stream = append(stream, content...)
		case typeStdin:
			stdin = append(stdin, content...)
			if len(content) == 0 {
				if params, err = decodeParams(stream); err != nil {
					t.Errorf("the peer decodes the parameters: %v", err)
				}
				return params, stdin
			}
		}
	}
}

func readRecord(from io.Reader) (header, []byte, error) {
	var raw [headerLength]byte
	if _, err := io.ReadFull(from, raw[:]); err != nil {
		return header{}, nil, err
	}
	h := parseHeader(raw)
	content := make([]byte, h.content+h.padding)
	_, err := io.ReadFull(from, content)
	return h, content[:h.content], err
}

func stdout(text string) []byte { return appendRecord(nil, typeStdout, []byte(text)) }
func stderr(text string) []byte { return appendRecord(nil, typeStderr, []byte(text)) }

func end(app uint32, protocol ProtocolStatus) []byte {
	content := binary.BigEndian.AppendUint32(nil, app)
	return appendRecord(nil, typeEndRequest, append(content, byte(protocol), 0, 0, 0))
}

// pattern is a body whose order matters.
func pattern(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}
