package fastcgi

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// CommandRequest is the request command: one request, as curl would make it.
type CommandRequest struct {
	Network, Address string // as Dial takes them
	Path             string // with the query: "/a%20b?x=1"

	Method     string    // "" is GET, or POST with Data
	Headers    []string  // "Name: value"; "Name:" for an empty value
	Params     []string  // "NAME=value": replaces what would be sent; the last of a name wins
	Data       *string   // nil: no body; "@FILE" is read from the file, "@-" from Stdin
	Verbose    bool      // status, headers and the end of the request on Stderr
	ShowParams bool      // the parameters on Stderr before they are sent
	Stdin      io.Reader // for "@-" only

	Stdout io.Writer // the body of the answer
	Stderr io.Writer // the application's stderr stream, and what Verbose and ShowParams show
}

// UsageError is a request that makes no sense as it was typed.
type UsageError struct{ text string }

func (e *UsageError) Error() string { return e.text }

// Run makes the request. It fails only if there was no whole answer: a status of
// 500 is an answer. What was typed wrong is a *UsageError, what the application did
// wrong a *Fault. The body is passed on as it comes, so Stdout may hold a part of
// it when Run fails.
func (c *CommandRequest) Run(ctx context.Context) error {
	begun := time.Now()
	method := c.method()
	if !isToken([]byte(method)) {
		return &UsageError{fmt.Sprintf("%.40q is not a method; write one word, such as PUT", method)}
	}
	header, host, err := parseHeaders(c.Headers)
	if err != nil {
		return err
	}
	body, err := c.openBody()
	if err != nil {
		return err
	}
	defer body.discard()
	if c.Data != nil && header["Content-Type"] == nil {
		header.Set("Content-Type", "application/x-www-form-urlencoded") // as curl -d
	}
	params, err := BaseParams(Target{
		Method: method, URI: c.Path, Header: header, Host: cmp.Or(host, "localhost"),
		RemoteAddress: "127.0.0.1", ContentLength: body.length,
	})
	if err != nil {
		return &UsageError{err.Error()}
	}
	if params, err = override(params, c.Params); err != nil {
		return err
	}
	if c.ShowParams {
		showParams(c.Stderr, params)
	}
	conn, err := Dial(ctx, c.Network, c.Address)
	if err != nil {
		return err
	}
	response, err := Do(ctx, conn, &Request{Params: params, Stdin: body.Reader, Stderr: c.Stderr})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return c.print(response, begun)
}

func (c *CommandRequest) method() string {
	if c.Data != nil {
		return cmp.Or(c.Method, http.MethodPost)
	}
	return cmp.Or(c.Method, http.MethodGet)
}

// print passes the answer on. Time is measured to its end.
func (c *CommandRequest) print(response *Response, begun time.Time) error {
	if c.Verbose {
		fmt.Fprintf(c.Stderr, "< %d %s\n", response.Status, response.Reason)
		for _, line := range response.Lines {
			if name, _, _ := strings.Cut(line, ":"); !strings.EqualFold(name, "Status") {
				fmt.Fprintf(c.Stderr, "< %s\n", line)
			}
		}
		fmt.Fprintln(c.Stderr, "<")
	}
	received, err := io.Copy(c.Stdout, response.Body)
	if err != nil {
		return fmt.Errorf("after %d bytes of the body: %w", received, err)
	}
	if c.Verbose {
		verdict := "output closed without END_REQUEST"
		if end, ok := response.End(); ok {
			verdict = end.String()
		}
		fmt.Fprintf(c.Stderr, "* %s; %d bytes in %v\n", verdict, received, time.Since(begun).Round(10*time.Microsecond))
	}
	return checkLength(c.method(), response, received)
}

// checkLength finds an answer that a web server would cut, or wait on for more.
func checkLength(method string, response *Response, received int64) error {
	said := response.Header.Get("Content-Length")
	if said == "" || method == http.MethodHead || response.Status == http.StatusNotModified {
		return nil
	}
	if length, err := strconv.ParseInt(said, 10, 64); err == nil && length == received {
		return nil
	}
	return &Fault{What: fmt.Sprintf("the application announced Content-Length: %s but sent %d bytes", said, received),
		Advice: "count bytes, not characters, or leave Content-Length out"}
}

// openBody is the body with its length, -1 for none.
func (c *CommandRequest) openBody() (*spool, error) {
	if c.Data == nil {
		return &spool{length: -1}, nil
	}
	name, isFile := strings.CutPrefix(*c.Data, "@")
	switch {
	case !isFile:
		return &spool{Reader: strings.NewReader(*c.Data), length: int64(len(*c.Data))}, nil
	case name == "-" && c.Stdin != nil:
		return newSpool(c.Stdin)
	case name == "" || name == "-":
		return nil, &UsageError{fmt.Sprintf("there is nothing to read the body from in %q", *c.Data)}
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		return &spool{Reader: io.LimitReader(file, info.Size()), length: info.Size(), file: file}, nil
	}
	defer file.Close()
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	return newSpool(file) // a pipe or a device: its length is known when it has ended
}

// parseHeaders returns Host by itself, as net/http does.
func parseHeaders(typed []string) (header http.Header, host string, err error) {
	header = http.Header{}
	for _, line := range typed {
		name, value, found := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); {
		case !found || !isToken([]byte(name)):
			return nil, "", &UsageError{fmt.Sprintf("%q is not a header; write it as 'Name: value'", line)}
		case strings.Contains(name, "_"):
			return nil, "", &UsageError{fmt.Sprintf(
				"a web server would drop the header %s for its underscore; to send it all the same: -p HTTP_%s=...", name, strings.ToUpper(name))}
		case strings.EqualFold(name, "Host"):
			host = value
		default:
			header.Add(name, value)
		}
	}
	return header, host, nil
}

// override replaces parameters in their places and appends new ones.
func override(params []Param, typed []string) ([]Param, error) {
	for _, text := range typed {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" {
			return nil, &UsageError{fmt.Sprintf("%q is not a parameter; write it as NAME=value", text)}
		}
		params = Set(params, Param{name, value})
	}
	return params, nil
}

// Set gives a parameter its value, in its place if it is there.
func Set(params []Param, p Param) []Param {
	for i := range params {
		if params[i].Name == p.Name {
			params[i].Value = p.Value
			return params
		}
	}
	return append(params, p)
}

// showParams prints a line a parameter; a value that would not stay on its line is quoted.
func showParams(to io.Writer, params []Param) {
	for _, p := range params {
		value := p.Value
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			value = strconv.Quote(value)
		}
		fmt.Fprintf(to, "%s=%s\n", p.Name, value)
	}
}
