package fastcgi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// maxHead is how many bytes the headers of an answer may have, all together.
// nginx allows 4 or 8 KiB by default, Apache and lighttpd 64 KiB.
const maxHead = 64 << 10

// Head is what an application says before the body (RFC 3875, section 6).
type Head struct {
	Status int         // from Status:, else 302 with a Location:, else 200
	Reason string      // as the application worded it, or the usual words
	Header http.Header // without Status:
	Lines  []string    // the header lines as sent, Status: included
}

// errNoHead is a stream that ended before its first byte.
var errNoHead = errors.New("no headers")

// readHead reads up to the blank line and leaves the reader at the body.
func readHead(from *bufio.Reader) (*Head, error) {
	head := &Head{Header: http.Header{}}
	budget := maxHead
	for {
		line, err := readLine(from, &budget)
		if err != nil {
			return nil, headEnd(head, line, err)
		}
		if len(line) == 0 {
			break
		}
		if err := head.add(line); err != nil {
			return nil, err
		}
	}
	if len(head.Lines) == 0 {
		return nil, &Fault{What: "the answer begins with a blank line: there are no headers before it",
			Advice: "send at least Content-Type: before the blank line, and nothing in front of it"}
	}
	return head, head.settle()
}

// readLine returns a line without its end; with an error, what there was of it.
func readLine(from *bufio.Reader, budget *int) ([]byte, error) {
	var line []byte
	for {
		part, err := from.ReadSlice('\n')
		*budget -= len(part)
		line = append(line, part...)
		switch {
		case *budget < 0:
			return nil, &Fault{What: fmt.Sprintf("the headers are longer than %d KiB; they begin a line with %s", maxHead>>10, quote(line)),
				Advice: "is the blank line after the headers missing? else send less (cookies?)"}
		case err == nil:
			return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, err
		}
	}
}

// headEnd explains an answer that ended before the blank line.
func headEnd(head *Head, line []byte, err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, faultClosed) {
		return err
	}
	if len(line) == 0 && len(head.Lines) == 0 {
		if errors.Is(err, io.EOF) {
			return errNoHead
		}
		return err
	}
	if fault := checkLine(line, len(head.Lines) == 0); len(line) > 0 && fault != nil {
		return fault // it was never going to be a header: say that instead
	}
	last := string(line)
	if last == "" {
		last = head.Lines[len(head.Lines)-1]
	}
	how := "the answer ends"
	if errors.Is(err, faultClosed) {
		how = "the application closed the connection"
	}
	return &Fault{What: how + " before the blank line that closes the headers, after " + quote(last),
		Advice: "the worker may have died in the middle (see its output), or forgets the blank line"}
}

func (h *Head) add(line []byte) error {
	if fault := checkLine(line, len(h.Lines) == 0); fault != nil {
		return fault
	}
	h.Lines = append(h.Lines, string(line))
	name, value, _ := strings.Cut(string(line), ":")
	h.Header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t"))
	return nil
}

// checkLine says what keeps a line from being a header, nil if nothing does.
func checkLine(line []byte, first bool) error {
	name, _, colon := bytes.Cut(line, []byte(":"))
	switch {
	case first && bytes.HasPrefix(line, []byte("\xef\xbb\xbf")):
		return &Fault{What: "the answer begins with a byte order mark (EF BB BF) instead of a header",
			Advice: "save the program's source file as UTF-8 without BOM"}
	case bytes.IndexByte(line, 0) >= 0:
		return &Fault{What: "there is a NUL byte in the header line " + quote(line),
			Advice: "is the body written before the headers, or a buffer longer than its text?"}
	case bytes.IndexByte(line, '\r') >= 0:
		return &Fault{What: "there is a carriage return inside the header line " + quote(line),
			Advice: "end lines with LF or CR LF, and let no user input into headers"}
	case first && bytes.HasPrefix(line, []byte("HTTP/")):
		return &Fault{What: "the answer begins with the HTTP status line " + quote(line),
			Advice: `send "Status: 200 OK" instead: a FastCGI application answers as a CGI program does`}
	case (!colon || !isToken(name)) && first:
		return &Fault{What: "the answer begins with " + quote(line) + ", which is not a header line",
			Advice: "something prints to standard output before the headers (a debug print, a warning, an error page?)"}
	case !colon || !isToken(name):
		return &Fault{What: "there is " + quote(line) + " among the headers, which is not a header line",
			Advice: "is the blank line between headers and body missing?"}
	}
	return nil
}

// isToken is RFC 9110, section 5.6.2.
func isToken(name []byte) bool {
	for _, c := range name {
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return len(name) > 0
}

// settle finds the status. A Location: that is only a path asks for an internal
// redirect (RFC 3875, section 6.2.2); like nginx we let the client do it.
func (h *Head) settle() error {
	status, given := h.Header.Get("Status"), h.Header["Status"] != nil
	h.Header.Del("Status")
	switch {
	case given:
		code, reason, _ := strings.Cut(status, " ")
		number, err := strconv.Atoi(code)
		if err != nil || len(code) != 3 || number < 200 {
			return &Fault{What: "the header Status: " + quote(status) + " holds no final status",
				Advice: `send three digits from 200 upwards and words, as in "Status: 404 Not Found"`}
		}
		h.Status, h.Reason = number, reason
	case h.Header["Location"] != nil:
		h.Status = http.StatusFound
	default:
		h.Status = http.StatusOK
	}
	if h.Reason == "" {
		h.Reason = http.StatusText(h.Status)
	}
	return nil
}
