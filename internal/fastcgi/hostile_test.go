package fastcgi

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

// Every answer that breaks the rules, as a scripted peer gives it. Not covered:
// resets of TCP connections (the Unix socket resets in the same place).

const okHead = "Content-Type: text/plain\n\n"

func withHeader(at int, value byte, record []byte) []byte {
	record = slices.Clone(record)
	record[at] = value
	return record
}

func TestHostileAnswers(t *testing.T) {
	ok := end(0, RequestComplete)
	for _, c := range []struct {
		name   string
		answer [][]byte
		want   string
	}{
		{"nothing", nil, "closed the connection before sending a byte"},
		{"only an end", [][]byte{end(255, RequestComplete)}, "before sending headers (END_REQUEST: app status 255)"},
		{"only stderr", [][]byte{stderr("oops\n"), end(1, RequestComplete)}, "before sending headers (END_REQUEST: app status 1; 5 bytes on stderr)"},
		{"only stderr, no end", [][]byte{stderr("oops\n")}, "before sending headers (no END_REQUEST; 5 bytes on stderr)"},
		{"text", [][]byte{stdout("Hello\nworld"), ok}, `begins with "Hello"`},
		{"BOM in two records", [][]byte{stdout("\xef"), stdout("\xbb\xbfA: b\n\n"), ok}, "byte order mark"},
		{"NUL", [][]byte{stdout("A: \x00\n\n"), ok}, "NUL byte"},
		{"no blank line", [][]byte{stdout("Content-Type: text/plain\n"), ok}, "the answer ends before the blank line"},
		{"death in the head", [][]byte{stdout("Content-Type: text/plain\n")}, "closed the connection before the blank line"},
		{"huge head", [][]byte{stdout("A: b\n" + strings.Repeat("a", 60000)), stdout(strings.Repeat("a", 60000)), ok}, "longer than 64 KiB"},
		{"half a header", [][]byte{[]byte("\x01\x06\x00")}, "in the middle of a record header (3 of 8 bytes)"},
		{"half a STDOUT", [][]byte{stdout(okHead + "abcdef")[:36]}, "in the middle of a STDOUT record (4 bytes are missing)"},
		{"half a STDERR", [][]byte{stderr("abcdef")[:10]}, "in the middle of a STDERR record (2 of 6 bytes)"},
		{"half an END_REQUEST", [][]byte{stdout(okHead), ok[:12]}, "in the middle of an END_REQUEST record (4 of 8 bytes)"},
		{"half a padding", [][]byte{stdout(okHead + "abc")[:38]}, "in the middle of a record's padding"},
		{"short END_REQUEST", [][]byte{stdout(okHead), appendRecord(nil, typeEndRequest, []byte("abc"))}, "END_REQUEST of 3 bytes"},
		{"no END_REQUEST", [][]byte{stdout(okHead + "abc")}, "without ending the request (no END_REQUEST)"},
		{"HTTP", [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")}, `the answer is not FastCGI: it begins with "HTTP/1.1"`},
		{"version 0 later", [][]byte{stdout(okHead), withHeader(0, 0, ok)}, "a record of version 0"},
		{"request 7", [][]byte{withHeader(3, 7, stdout(okHead))}, "STDOUT record for request 7"},
		{"request 0", [][]byte{stdout(okHead), withHeader(3, 0, ok)}, "END_REQUEST record for request 0"},
		{"a record of ours", [][]byte{appendRecord(nil, typeParams, nil)}, "a record of PARAMS, which is not part of an answer"},
		{"unknown record", [][]byte{stdout(okHead), withHeader(1, 77, ok)}, "a record of type 77"},
		{"after the end", [][]byte{stdout(okHead), ok, stdout("more")}, "went on writing after END_REQUEST"},
		{"CANT_MPX_CONN", [][]byte{end(0, CantMultiplex)}, "one at a time on a connection (END_REQUEST: CANT_MPX_CONN"},
		{"OVERLOADED", [][]byte{end(0, Overloaded)}, "it is overloaded (END_REQUEST: OVERLOADED"},
		{"UNKNOWN_ROLE", [][]byte{end(0, UnknownRole)}, "it is no responder (END_REQUEST: UNKNOWN_ROLE"},
		{"unknown status", [][]byte{end(0, 99)}, "unknown status (END_REQUEST: protocol status 99"},
		{"OVERLOADED after a body", [][]byte{stdout(okHead + "abc"), end(0, Overloaded)}, "it is overloaded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, body, err := do(t, answers(t, c.answer...), get("/"))
			if _, ok := errors.AsType[*Fault](err); !ok || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q, %v, want %q", body, err, c.want)
			}
		})
	}
}

// What is against the letter of the specification but does no harm.
func TestForgivenAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer [][]byte
		want   string
	}{
		{"byte by byte", [][]byte{bytes.Join(bytesOf(okHead+"abc"), nil), end(0, RequestComplete)}, "abc"},
		{"no empty STDOUT", [][]byte{stdout(okHead + "abc"), end(0, RequestComplete)}, "abc"},
		{"no END_REQUEST after the empty STDOUT", [][]byte{stdout(okHead + "abc"), stdout("")}, "abc"},
		{"STDOUT after an empty one", [][]byte{stdout(okHead + "a"), stdout(""), stdout("bc"), end(0, RequestComplete)}, "abc"},
		{"app status", [][]byte{stdout(okHead + "abc"), end(7, RequestComplete)}, "abc"},
		{"no body", [][]byte{stdout(okHead), end(0, RequestComplete)}, ""},
		{"empty STDERR", [][]byte{stderr(""), stdout(okHead + "abc"), stderr(""), end(0, RequestComplete)}, "abc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, body, err := do(t, answers(t, c.answer...), get("/"))
			if err != nil || string(body) != c.want || response.Status != 200 {
				t.Errorf("%+v, %q, %v", response, body, err)
			}
		})
	}
}

func bytesOf(text string) [][]byte {
	var records [][]byte
	for _, c := range []byte(text) {
		records = append(records, stdout(string(c)))
	}
	return records
}

// The application closes with the request unread in its queue: the kernel
// resets the connection instead of ending it.
func TestResetWithoutReading(t *testing.T) {
	address := script(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) })
	if _, _, err := do(t, address, get("/")); !errors.Is(err, faultSilent) {
		t.Errorf("%v, want %v", err, faultSilent)
	}
}

// A worker may answer everything and go without having read the body.
func TestAnswerWithoutReadingTheBody(t *testing.T) {
	address := script(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1))
		_, _ = conn.Write(slices.Concat(stdout(okHead+"abc"), stdout(""), end(0, RequestComplete)))
	})
	_, body, err := do(t, address, post(endless{}, 1<<40))
	if err != nil || string(body) != "abc" {
		t.Errorf("%q, %v", body, err)
	}
}

// endless is a body that nobody can finish.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Both sides write 10 MB before either would read: only a client that reads while
// it writes gets through.
func TestAnswerBeforeTheBodyIsRead(t *testing.T) {
	big := pattern(10 << 20)
	address := script(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1))
		_, _ = conn.Write(stdout(okHead))
		for chunk := range slices.Chunk(big, maxContent) {
			if _, err := conn.Write(appendRecord(nil, typeStdout, chunk)); err != nil {
				t.Errorf("the peer answers: %v", err)
			}
		}
		_, _ = conn.Write(end(0, RequestComplete))
		_, _ = io.Copy(io.Discard, conn)
	})
	_, body, err := do(t, address, post(bytes.NewReader(big), int64(len(big))))
	if err != nil || !bytes.Equal(body, big) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}
