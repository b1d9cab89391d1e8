package fastcgi

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// Covered here: the head as text. How it arrives in records, and how the end of
// the request shows in its errors, is in hostile_test.go.

func parseHead(text string) (*Head, string, error) {
	from := bufio.NewReader(strings.NewReader(text))
	head, err := readHead(from)
	rest, _ := io.ReadAll(from)
	return head, string(rest), err
}

func TestReadHead(t *testing.T) {
	plain := http.Header{"Content-Type": {"text/plain"}}
	for _, c := range []struct {
		name, text string
		status     int
		reason     string
		header     http.Header
		body       string
	}{
		{"LF", "Content-Type: text/plain\n\nhi", 200, "OK", plain, "hi"},
		{"CR LF", "Content-Type: text/plain\r\n\r\n\r\nhi", 200, "OK", plain, "\r\nhi"},
		{"status", "Status: 404 Nope\nContent-Type: text/plain\n\n", 404, "Nope", plain, ""},
		{"status without words", "status:404\ncontent-type:text/plain\n\n", 404, "Not Found", plain, ""},
		{"location", "Location: /x\n\n", 302, "Found", http.Header{"Location": {"/x"}}, ""},
		{"location and status", "Location: /x\nStatus: 201 Created\n\n", 201, "Created", http.Header{"Location": {"/x"}}, ""},
		{"twice", "Set-Cookie: a\nSet-Cookie: b\n\n", 200, "OK", http.Header{"Set-Cookie": {"a", "b"}}, ""},
		{"empty value", "X-A:\n\n", 200, "OK", http.Header{"X-A": {""}}, ""},
		{"longer than a buffer", "X-A: " + strings.Repeat("a", 10000) + "\n\nz", 200, "OK", http.Header{"X-A": {strings.Repeat("a", 10000)}}, "z"},
		{"just small enough", "A: " + strings.Repeat("a", maxHead-5) + "\n\n", 0, "", nil, ""},
		{"not UTF-8", "X-A: \xff\xfe\n\n", 200, "OK", http.Header{"X-A": {"\xff\xfe"}}, ""},
	} {
		head, body, err := parseHead(c.text)
		if c.name == "just small enough" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if head.Status != c.status || head.Reason != c.reason || !reflect.DeepEqual(head.Header, c.header) || body != c.body {
			t.Errorf("%s: %d %q %v %q", c.name, head.Status, head.Reason, head.Header, body)
		}
	}
}

func TestReadHeadRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"blank", "\nhi", "begins with a blank line"},
		{"text", "Hello, world\nContent-Type: text/plain\n\n", `begins with "Hello, world", which is not a header line`},
		{"text without end", "Hello", `begins with "Hello", which is not a header line`},
		{"markup with a colon", "<a href=\"http://x\">\n", "which is not a header line"},
		{"text later", "Content-Type: text/html\n<html>\n", `there is "<html>" among the headers`},
		{"text later without end", "Content-Type: text/html\n<html>", `there is "<html>" among the headers`},
		{"folded", "A: b\n c\n\n", `there is " c" among the headers`},
		{"no blank line", "Content-Type: text/plain\n", `before the blank line that closes the headers, after "Content-Type: text/plain"`},
		{"half a line", "Content-Type: text/pl", `before the blank line that closes the headers, after "Content-Type: text/pl"`},
		{"BOM", "\xef\xbb\xbfContent-Type: text/plain\n\n", "byte order mark"},
		{"NUL", "A: b\x00c\n\n", `NUL byte in the header line "A: b\x00c"`},
		{"CR", "A: b\rSet-Cookie: c\n\n", "carriage return inside the header line"},
		{"HTTP", "HTTP/1.1 200 OK\nA: b\n\n", `HTTP status line "HTTP/1.1 200 OK"`},
		{"too long a line", "A: " + strings.Repeat("a", maxHead), "longer than 64 KiB"},
		{"one byte too much", "A: " + strings.Repeat("a", maxHead-4) + "\n\n", "longer than 64 KiB"},
		{"too many lines", strings.Repeat("A: b\n", maxHead/5+1), "longer than 64 KiB"},
		{"status of words", "Status: OK\n\n", `Status: "OK" holds no final status`},
		{"status 100", "Status: 100 Continue\n\n", "no final status"},
		{"status of four digits", "Status: 2000\n\n", "no final status"},
		{"negative status", "Status: -20\n\n", "no final status"},
		{"empty status", "Status:\n\n", "no final status"},
	} {
		_, _, err := parseHead(c.text)
		if _, ok := errors.AsType[*Fault](err); !ok || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
			continue
		}
		if len(err.Error()) > 300 || Advice(err) == "" {
			t.Errorf("%s: too long, or no advice: %v (%s)", c.name, err, Advice(err))
		}
	}
	if _, _, err := parseHead(""); !errors.Is(err, errNoHead) {
		t.Errorf("nothing: %v, want errNoHead", err)
	}
}

func FuzzHead(f *testing.F) {
	f.Add("Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nbody")
	f.Add("Location: /x\n\n")
	f.Add("\xef\xbb\xbfA: b\n\n")
	f.Add("HTTP/1.1 200 OK\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		head, body, err := parseHead(text)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if head.Status < 200 || head.Status > 999 || len(head.Lines) == 0 {
			t.Errorf("status %d of %d lines", head.Status, len(head.Lines))
		}
		if !strings.HasSuffix(text, body) {
			t.Errorf("the body %q is not the end of %q", body, text)
		}
		for name, values := range head.Header {
			if !isToken([]byte(name)) || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
				t.Errorf("header %q: %q could split an answer", name, values)
			}
		}
	})
}
