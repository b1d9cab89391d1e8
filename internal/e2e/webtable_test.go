package e2e

// What a request becomes on its way through a web server: the question and the
// judgement. Not covered: HTTP/2, TLS, trailers.

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// question is one request, and what the application must be told.
type question struct {
	title  string
	method string // default GET
	path   string // after the prefix, as in the request line
	query  string // with the question mark
	header []string
	body   []byte
	chunks bool // sent chunked

	info   string            // PATH_INFO; default: path, if there is no script
	script string            // SCRIPT_NAME; default: the prefix
	file   string            // the web server sends a file with this text
	params map[string]string // others; "-": must not be there, or be empty
	large  int               // bytes in a header of the answer
	others bool              // judge what is the same for all requests, too
	nobody bool              // no application may be asked: the path is not its
	secret string            // whoever answers, this must not be in it
}

func questions() []question {
	megabytes := bytes.Repeat([]byte("0123456789abcdef"), 3<<16) // 3 MiB
	form := []byte("name=value")
	large := strings.Repeat("y", 7000)
	return []question{
		{title: "the empty path below a prefix"},
		{title: "`/`", path: "/"},
		{title: "`/`: what is the same for all requests (`SERVER_NAME` and others, no keep-alive)", path: "/", others: true},
		{title: "`/a/b?x=1&y=%20z`", path: "/a/b", query: "?x=1&y=%20z"},
		{title: "`/a?`: an empty query", path: "/a", query: "?"},
		{title: "`/a?b=%2F%3F?`: a query with everything", path: "/a", query: "?b=%2F%3F?"},
		{title: "`/a%20b`", path: "/a%20b", info: "/a b"},
		{title: "`/a%2Fb`: an encoded slash", path: "/a%2Fb", info: "/a/b"},
		{title: "`/a%25b`: decoded once, not twice", path: "/a%25b", info: "/a%b"},
		{title: "`/a%3Fb%23c`", path: "/a%3Fb%23c", info: "/a?b#c"},
		{title: "`/a+b;c=d,e@f:g!`", path: "/a+b;c=d,e@f:g!"},
		{title: "`/caf%C3%A9`", path: "/caf%C3%A9", info: "/café"},
		{title: "`/café`: the bytes themselves", path: "/café"},
		{title: "`/a%FFb`: no UTF-8", path: "/a%FFb", info: "/a\xffb"},
		{title: "`/a%0Ab`: a line's end", path: "/a%0Ab", info: "/a\nb"},
		{title: "`/a//b`", path: "/a//b"},
		{title: "`//a`", path: "//a"},
		{title: "`/a/../b`", path: "/a/../b", info: "/b"},
		{title: "`/x.php/y`: no file", path: "/x.php/y"},
		{title: "a path of 2000 bytes", path: "/" + strings.Repeat("p", 2000)},
		{title: "HEAD", method: "HEAD", path: "/h"},
		{title: "OPTIONS", method: "OPTIONS", path: "/o"},
		{title: "DELETE", method: "DELETE", path: "/d"},
		{title: "POST, a form", method: "POST", path: "/p", header: []string{"Content-Type: application/x-www-form-urlencoded"}, body: form,
			params: map[string]string{"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": "10"}},
		{title: "POST, 3 MiB", method: "POST", path: "/p", body: megabytes, params: map[string]string{"CONTENT_LENGTH": fmt.Sprint(len(megabytes))}},
		{title: "POST, chunked", method: "POST", path: "/p", body: form, chunks: true, params: map[string]string{"CONTENT_LENGTH": "10", "HTTP_TRANSFER_ENCODING": "-"}},
		{title: "POST, 3 MiB chunked", method: "POST", path: "/p", body: megabytes, chunks: true,
			params: map[string]string{"CONTENT_LENGTH": fmt.Sprint(len(megabytes)), "HTTP_TRANSFER_ENCODING": "-"}},
		{title: "PUT, an empty body", method: "PUT", path: "/p", body: []byte{}, params: map[string]string{"CONTENT_LENGTH": "0"}},
		{title: "`Authorization`", path: "/", header: []string{"Authorization: Basic YTpi"}, params: map[string]string{"HTTP_AUTHORIZATION": "Basic YTpi"}},
		{title: "`Proxy` (httpoxy)", path: "/", header: []string{"Proxy: http://evil.example/"}, params: map[string]string{"HTTP_PROXY": "-"}},
		{title: "a cookie", path: "/", header: []string{"Cookie: a=1; b=2"}, params: map[string]string{"HTTP_COOKIE": "a=1; b=2"}},
		{title: "a header of 7000 bytes", path: "/", header: []string{"X-Y: " + large}, params: map[string]string{"HTTP_X_Y": large}},
		{title: "an answer with three headers of 4000 bytes", path: "/", query: "?header=4000", large: 3 * 4000},
		{title: "a name that only begins like the prefix", path: "x", nobody: true},
	}
}

// told is what the application says it was sent; see testdata/workers/params.
type told struct {
	Params [][2][]byte
	Bytes  int
	Sum    []byte
	Keep   bool
}

// values are all that came under a name.
func (w told) values(name string) (list []string) {
	for _, p := range w.Params {
		if string(p[0]) == name {
			list = append(list, string(p[1]))
		}
	}
	return list
}

// twice are the parameters that came more than once; a program takes one of them.
func (w told) twice() (faults []string) {
	seen := map[string]int{}
	for _, p := range w.Params {
		seen[string(p[0])]++
		if seen[string(p[0])] == 2 {
			faults = append(faults, "`"+string(p[0])+"` is sent twice")
		}
	}
	slices.Sort(faults)
	return faults
}

// judge asks, and tells what is not as it should be; "": nothing. No answer at all is
// an error of the test, and nothing for a page.
func (q question) judge(s *webSite, prefix string) string {
	response, body, err := q.ask(s, prefix)
	switch {
	case err != nil:
		s.t.Errorf("%s: %v", q.title, err)
		return "no answer"
	case q.nobody && response.StatusCode/100 == 4 && response.Header.Get("X-Pid") == "":
		return ""
	case q.secret != "" && !bytes.Contains(body, []byte(q.secret)):
		return ""
	case q.file != "" && response.StatusCode == http.StatusOK && response.Header.Get("X-Pid") == "":
		return q.judgeFile(response, body)
	case response.StatusCode != http.StatusOK:
		return fmt.Sprint(response.StatusCode)
	case response.Header.Get("X-Pid") == "":
		return "200, but not from the application"
	}
	if q.method == http.MethodHead {
		body, _ = base64.StdEncoding.DecodeString(response.Header.Get("X-Seen"))
	}
	var w told
	if err := json.Unmarshal(body, &w); err != nil {
		return fmt.Sprintf("an answer of %d bytes that is not the application's", len(body))
	}
	faults := q.faults(w, s, prefix)
	if got := strings.Count(strings.Join(response.Header["X-Large"], ""), "x"); got != q.large {
		faults = append(faults, fmt.Sprintf("%d bytes of it", got))
	}
	return strings.Join(faults, "; ")
}

func (q question) faults(w told, s *webSite, prefix string) (faults []string) {
	want := map[string]string{
		"SCRIPT_NAME": cmp.Or(q.script, prefix), "PATH_INFO": q.pathInfo(), "QUERY_STRING": strings.TrimPrefix(q.query, "?"),
		"REQUEST_URI": q.target(prefix), "REQUEST_METHOD": q.verb(),
	}
	maps.Copy(want, q.params)
	if q.others {
		maps.Copy(want, map[string]string{"SERVER_NAME": s.host, "HTTP_HOST": s.authority(), "SERVER_PROTOCOL": "HTTP/1.1",
			"GATEWAY_INTERFACE": "CGI/1.1", "REMOTE_ADDR": "127.0.0.1"})
		_, want["SERVER_PORT"], _ = net.SplitHostPort(s.address)
		faults = w.twice()
		if w.Keep {
			faults = append(faults, "the connection is kept")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if fault := compare(name, w.values(name), want[name]); fault != "" {
			faults = append(faults, fault)
		}
	}
	if wantSum := sha256.Sum256(q.body); !bytes.Equal(w.Sum, wantSum[:]) {
		faults = append(faults, fmt.Sprintf("a body of %d bytes", w.Bytes))
	}
	return faults
}

// compare judges one parameter. One that is not sent is as good as an empty one.
func compare(name string, got []string, want string) string {
	if want == "-" {
		want = ""
	}
	value := ""
	if len(got) > 0 {
		value = got[len(got)-1]
	}
	switch {
	case value != want && value == "":
		return "no `" + name + "`"
	case value != want:
		return fmt.Sprintf("`%s=%.70s`", name, strings.Trim(fmt.Sprintf("%q", value), `"`))
	}
	return ""
}

func (q question) pathInfo() string {
	if q.script != "" {
		return q.info
	}
	return cmp.Or(q.info, q.path)
}

// judgeFile wants the whole file, and that browsers are told what it is.
func (q question) judgeFile(response *http.Response, body []byte) string {
	kind := response.Header.Get("Content-Type")
	switch {
	case q.method == http.MethodHead && response.ContentLength != int64(len(q.file)):
		return fmt.Sprintf("a length of %d", response.ContentLength)
	case q.method != http.MethodHead && string(body) != q.file:
		return fmt.Sprintf("another file: %.60q", body)
	case strings.HasSuffix(q.path, ".css") && !strings.HasPrefix(kind, "text/css"):
		return fmt.Sprintf("sent as %q", kind)
	}
	return ""
}

func (q question) verb() string {
	if q.method == "" {
		return http.MethodGet
	}
	return q.method
}

// target is the request line's.
func (q question) target(prefix string) string { return prefix + q.path + q.query }

// ask sends the request byte for byte: package net/http would mend it.
func (q question) ask(s *webSite, prefix string) (*http.Response, []byte, error) {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, nil, err
	}
	sent := make(chan error, 1)
	go func() { _, err := conn.Write(q.text(s, prefix)); sent <- err }()
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: q.verb()})
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(response.Body)
	conn.Close()
	<-sent
	return response, body, err
}

func (q question) text(s *webSite, prefix string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", q.verb(), q.target(prefix), s.authority())
	for _, line := range q.header {
		b.WriteString(line + "\r\n")
	}
	switch {
	case q.chunks:
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for rest := q.body; len(rest) > 0; {
			part := rest[:min(len(rest), 5000)]
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
			rest = rest[len(part):]
		}
		b.WriteString("0\r\n\r\n")
	case q.body != nil:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(q.body), q.body)
	default:
		b.WriteString("\r\n")
	}
	return b.Bytes()
}
