package fastcgi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/fcgi"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The engine of the request command. Not covered: its flags (cmd's tests).

// run returns what the command wrote.
func run(t *testing.T, c CommandRequest) (stdout, stderr string, err error) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	c.Network, c.Stdout, c.Stderr = "unix", &out, &diagnostics
	err = c.Run(t.Context())
	return out.String(), diagnostics.String(), err
}

// mirror answers with what it was asked.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s type=%s length=%d x=%s user=%s body=%s", r.Method, r.Host, r.URL.RequestURI(), r.Header.Get("Content-Type"),
		r.ContentLength, r.Header.Get("X-A"), fcgi.ProcessEnv(r)["REMOTE_USER"], body)
}

func TestCommand(t *testing.T) {
	text := func(s string) *string { return &s }
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("from\nfile"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := serve(t, mirror)
	for _, c := range []struct {
		name    string
		command CommandRequest
		want    string
	}{
		{"plain", CommandRequest{Path: "/a%20b?x"}, "GET localhost /a%20b?x type= length=0 x= user= body="},
		{"data", CommandRequest{Path: "/", Data: text("a=b")}, "POST localhost / type=application/x-www-form-urlencoded length=3 x= user= body=a=b"},
		{"empty data", CommandRequest{Path: "/", Data: text("")}, "POST localhost / type=application/x-www-form-urlencoded length=0 x= user= body="},
		{"method", CommandRequest{Path: "/", Method: "PUT", Data: text("a"), Headers: []string{"content-type: x/y"}}, "PUT localhost / type=x/y length=1 x= user= body=a"},
		{"file", CommandRequest{Path: "/", Data: text("@" + file), Headers: []string{"Content-Type: x/y"}}, "POST localhost / type=x/y length=9 x= user= body=from\nfile"},
		{"stdin", CommandRequest{Path: "/", Data: text("@-"), Stdin: strings.NewReader("typed"), Headers: []string{"Content-Type: x/y"}}, "POST localhost / type=x/y length=5 x= user= body=typed"},
		{"headers", CommandRequest{Path: "/", Headers: []string{"X-A:1", "x-a: 2", "Host: h.org:81"}}, "GET h.org:81 / type= length=0 x=1, 2 user= body="},
		{"params", CommandRequest{Path: "/", Params: []string{"REMOTE_USER=a", "REMOTE_USER=b=c", "REQUEST_METHOD=DELETE"}}, "DELETE localhost / type= length=0 x= user=b=c body="},
	} {
		c.command.Address = address
		stdout, stderr, err := run(t, c.command)
		if err != nil || stdout != c.want || stderr != "" {
			t.Errorf("%s: %v\ngot  %q (stderr %q)\nwant %q", c.name, err, stdout, stderr, c.want)
		}
	}
}

func TestCommandVerbose(t *testing.T) {
	stdout, stderr, err := run(t, CommandRequest{Path: "/", Verbose: true,
		Address: answers(t, stderr("warning\n"), stdout("Status: 500 Oh no\nX-B: 1\nx-a: 2\n\nbody"), end(3, RequestComplete))})
	want := "warning\n< 500 Oh no\n< X-B: 1\n< x-a: 2\n<\n* END_REQUEST: app status 3; 4 bytes in "
	if err != nil || stdout != "body" || !strings.HasPrefix(stderr, want) {
		t.Errorf("%v, %q\ngot  %q\nwant %q", err, stdout, stderr, want)
	}
}

func TestCommandShowsParams(t *testing.T) {
	_, stderr, err := run(t, CommandRequest{Path: "/a?b", ShowParams: true, Params: []string{"EXTRA=two\nlines", "SERVER_NAME="},
		Address: serve(t, mirror)})
	for _, want := range []string{"REQUEST_URI=/a?b\n", "QUERY_STRING=b\n", "\nSERVER_NAME=\n", "\nHTTP_HOST=localhost\n", "\nEXTRA=\"two\\nlines\"\n"} {
		if err != nil || !strings.Contains(stderr, want) {
			t.Errorf("%v, %q is not in %q", err, want, stderr)
		}
	}
}

func TestCommandMistakes(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		command CommandRequest
		want    string
	}{
		{CommandRequest{Path: "a"}, `"a" does not begin with a slash`},
		{CommandRequest{Path: "/%z"}, `decode the path`},
		{CommandRequest{Path: "/", Method: "A B"}, `"A B" is not a method`},
		{CommandRequest{Path: "/", Headers: []string{"nonsense"}}, `"nonsense" is not a header`},
		{CommandRequest{Path: "/", Headers: []string{"X_A: 1"}}, `-p HTTP_X_A=`},
		{CommandRequest{Path: "/", Params: []string{"A"}}, `"A" is not a parameter`},
		{CommandRequest{Path: "/", Params: []string{"=a"}}, `"=a" is not a parameter`},
		{CommandRequest{Path: "/", Data: text("@")}, "nothing to read the body from"},
	} {
		_, _, err := run(t, c.command)
		if _, ok := errors.AsType[*UsageError](err); !ok || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.command, err, c.want)
		}
	}
}

func TestCommandFailures(t *testing.T) {
	for _, c := range []struct {
		name, method string
		answer       [][]byte
		want         string
	}{
		{"cut", "", [][]byte{stdout(okHead + "abc")}, "after 3 bytes of the body: the application closed the connection"},
		{"short", "", [][]byte{stdout("Content-Length: 5\n\nabc"), end(0, RequestComplete)}, "announced Content-Length: 5 but sent 3 bytes"},
		{"senseless length", "", [][]byte{stdout("Content-Length: x\n\nabc"), end(0, RequestComplete)}, "announced Content-Length: x but sent 3 bytes"},
		{"HEAD is no failure", "HEAD", [][]byte{stdout("Content-Length: 5\n\n"), end(0, RequestComplete)}, ""},
		{"500 is no failure", "", [][]byte{stdout("Status: 500\n\nabc"), end(0, RequestComplete)}, ""},
	} {
		_, _, err := run(t, CommandRequest{Path: "/", Method: c.method, Address: answers(t, c.answer...)})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestCommandIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := CommandRequest{Network: "unix", Address: mute(t), Path: "/", Stdout: io.Discard, Stderr: io.Discard}
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}
