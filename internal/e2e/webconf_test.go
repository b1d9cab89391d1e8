package e2e

// What `webconf` prints, on the real web servers, in front of real workers: a
// table of requests for every server, at the root of a site and below a prefix,
// over Unix sockets and TCP. What came out is docs/reference/web-servers.md; a
// difference fails. Not covered: other versions than Debian 12's.

import (
	"cmp"
	"flag"
	"fmt"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/web-servers.md anew")

// results are what came out, by suite, question, server and transport.
type results struct {
	mu   sync.Mutex // the servers are asked at the same time
	seen map[[4]string]string
}

func (r *results) put(suite, question, server, transport, outcome string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[[4]string{suite, question, server, transport}] = outcome
}

func TestWebServers(t *testing.T) {
	r := &results{seen: map[[4]string]string{}}
	t.Run("all", func(t *testing.T) {
		for _, s := range suites() {
			for _, transport := range s.transports {
				t.Run(s.title+" "+transport, func(t *testing.T) {
					t.Parallel()
					askServers(t, r, s, transport)
				})
			}
		}
		for _, k := range frontKinds() {
			for _, transport := range []string{"unix", "tcp"} {
				t.Run(k.name+" "+transport, func(t *testing.T) {
					t.Parallel()
					askKind(t, r, k, transport)
				})
			}
		}
	})
	if !t.Failed() {
		comparePage(t, r.page())
	}
}

// askServers puts one server after the other in front of one pool.
func askServers(t *testing.T, r *results, s suite, transport string) {
	p := s.pool
	if transport == "tcp" {
		p.listen = "tcp:" + ownAddress()
	}
	running := start(t, p)
	address := cmp.Or(p.listen, "unix:"+running.socket)
	flags := append([]string{"app", "--listen", address}, s.flags...)
	for _, w := range webServers() {
		if slices.Contains(s.without, w.name) {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			flags := flags
			if s.files != nil {
				flags = append(slices.Clone(flags), "--root", s.writeFiles(t, w))
			}
			at := startSite(t, w, flags...)
			at.host = cmp.Or(s.name, at.host)
			for _, q := range s.questions {
				r.put(s.title, q.title, w.title, transport, q.judge(at, s.prefix))
			}
		})
	}
}

// TestWebServersAccept has the servers themselves check what the other suites do
// not start: all addresses, IPv6, hosts by name.
func TestWebServersAccept(t *testing.T) {
	_, port, _ := net.SplitHostPort(ownAddress())
	root := suite{files: publicFiles}
	for _, w := range webServers() {
		for _, flags := range [][]string{
			{"--http", ":" + port},
			{"--http", "[::1]:" + port, "--server-name", "a.example", "--prefix", "/a.b~c/d"},
			{"--listen", "tcp:[::1]:9000", "--http", ":" + port, "--timeout", "90s"},
			{"--listen", "tcp:localhost:9000", "--http", "127.0.0.1:" + port},
			{"--listen", "tcp:[::1]:9000", "--http", "127.0.0.1:" + port, "--php", "--root", root.writeFiles(t, w)},
		} {
			t.Run(w.name+" "+strings.Join(flags, " "), func(t *testing.T) {
				if !slices.Contains(flags, "--listen") {
					flags = append(flags, "--listen", "unix:/run/app.sock")
				}
				s := &webSite{t: t}
				s.write(w, publicFolder(t), flags)
			})
		}
	}
}

// TestHeadersInParts has a program send half its headers, and the rest when the web
// server has read that half. What the page says of HAProxy is true as long as this is.
func TestHeadersInParts(t *testing.T) {
	t.Parallel()
	running := start(t, pool{command: []string{filepath.Join(workers, "worker-params")}, processes: 1})
	for _, w := range webServers() {
		t.Run(w.name, func(t *testing.T) {
			s := startSite(t, w, "app", "--listen", "unix:"+running.socket)
			f := &front{t, &http.Client{Timeout: patience}, "http://" + s.address, s.log}
			a, err := f.request(http.MethodGet, "/?parts", nil)
			if w.name != "haproxy" && (err != nil || a.status != http.StatusOK || a.pid == 0) {
				t.Errorf("%+v, %v", a, err)
			}
			if crash := `bug condition "c_empty(ic)"`; w.name == "haproxy" && (err == nil || !strings.Contains(lastBytes(s.log, 4000), crash)) {
				t.Errorf("HAProxy is mended, and the page should not warn of it: %+v, %v", a, err)
			}
		})
	}
}

// comparePage compares a page with what is committed.
func comparePage(t *testing.T, page string) {
	t.Helper()
	const path = "../../docs/reference/web-servers.md"
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(committed) != page {
		missing, surplus := linesWithout(string(committed), page), linesWithout(page, string(committed))
		t.Errorf("what came out is not what %s says; if it is right, try: go test ./internal/e2e -run TestWebServers -update\nwant\n  %s\ngot\n  %s",
			path, strings.Join(missing, "\n  "), strings.Join(surplus, "\n  "))
	}
}

// linesWithout are the lines of a page that another one has not below the same
// heading, with that heading.
func linesWithout(page, other string) (lines []string) {
	others := map[string]bool{}
	for line := range headedLines(other) {
		others[line] = true
	}
	for line := range headedLines(page) {
		if !others[line] {
			lines = append(lines, line)
		}
	}
	return lines
}

func headedLines(page string) iter.Seq[string] {
	return func(yield func(string) bool) {
		heading := ""
		for line := range strings.Lines(page) {
			if title, found := strings.CutPrefix(line, "## "); found {
				heading = strings.TrimSpace(title)
			}
			if !yield(heading + ": " + strings.TrimSpace(line)) {
				return
			}
		}
	}
}

func (r *results) page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, s := range suites() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", s.title, s.text)
		tableHead(&b, "request")
		for _, q := range s.questions {
			fmt.Fprintf(&b, "| %s |", inCell(q.title))
			for _, w := range webServers() {
				cell := "-"
				if !slices.Contains(s.without, w.name) {
					cell = r.cell(s.title, q.title, w, s.transports)
				}
				fmt.Fprintf(&b, " %s |", inCell(cell))
			}
			b.WriteString("\n")
		}
	}
	r.kindsTable(&b)
	return b.String()
}

func tableHead(b *strings.Builder, first string) {
	fmt.Fprintf(b, "| %s |", first)
	for _, w := range webServers() {
		fmt.Fprintf(b, " %s |", w.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(webServers())) + "\n")
}

func inCell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// cell tells of a Unix socket and of TCP apart only where they differ.
func (r *results) cell(suite, question string, w webServer, transports []string) string {
	var cells []string
	for _, transport := range transports {
		outcome, asked := r.seen[[4]string{suite, question, w.title, transport}]
		if !asked {
			outcome = "**not asked**"
		}
		outcome = cmp.Or(outcome, "right")
		cells = append(cells, outcome)
	}
	if cells = slices.Compact(cells); len(cells) == 1 {
		return cells[0]
	}
	return "Unix: " + cells[0] + "; TCP: " + cells[1]
}

const pageHead = `# Web servers in front of a pool

<!-- Written by internal/e2e (TestWebServers); go test ./internal/e2e -run TestWebServers -update writes it anew. -->

What an application is told of a request, when the web server has the configuration that ` + "`fcgi-supervisor webconf`" + `
prints. Each was started and asked, as Debian 12 has them: nginx 1.22, Apache 2.4 with mod_proxy_fcgi, lighttpd 1.4.69,
Caddy 2.6, HAProxy 2.6, h2o 2.2. A cell is *right*, or it has what came out instead: a parameter with a wrong value, or
the status with which the web server refused the request. The tests compare this page with what comes out each time.

*Right* means: ` + "`SCRIPT_NAME`" + ` is the prefix, ` + "`PATH_INFO`" + ` what follows it, decoded once; ` + "`QUERY_STRING`" + ` and
` + "`REQUEST_URI`" + ` are as the client sent them; the body arrives whole, with its length.

## What cannot be mended

- **Caddy** does not know the length of a chunked body, and tells the application -1. Flask then sees an empty body, and
  php-cgi waits for one until the time is up. The configuration refuses such requests with 411, Length Required.
- **HAProxy** refuses a chunked body that is larger than its buffer (16 kB) with 400, a path with bytes beyond ASCII with
  400, and a path with an encoded line's end with 500. It leaves ` + "`..`" + ` in a path to the application. It sends no files.
- **HAProxy 2.6.12**, which is Debian 12's, crashes (` + "`FATAL: bug condition \"c_empty(ic)\"`" + `) when it has read half the headers of an
  answer: of a Perl program with ` + "`$| = 1`" + ` that prints them one by one, or one that sends more than 8 kB of them. Take 2.6.14
  or later ([issue 2150](https://github.com/haproxy/haproxy/issues/2150)), or send all headers at once.
- **h2o** always sends an empty ` + "`SCRIPT_NAME`" + ` and the whole path first. Below a prefix the right ones follow as second
  values. Python, Perl, PHP, Ruby, Go and Node take the last; a C program that asks ` + "`FCGX_GetParam`" + ` gets the first and
  has to mount itself. Without ` + "`--server-name`" + `, ` + "`SERVER_NAME`" + ` is ` + "`default`" + `.
- **lighttpd** makes one slash of two, and refuses an encoded line's end. Files beside an application need mod_magnet and
  a short Lua script, which the configuration has in its comments.
- **Apache** takes away one of two slashes at the very beginning of a path.
- **nginx** refuses a path that climbs out of the site with 400.
- Keep-alive to the workers is off everywhere: an idle kept connection has a one-at-a-time worker to itself.
`
