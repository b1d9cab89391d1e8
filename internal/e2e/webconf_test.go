package e2e

// What `webconf` prints, on the real web servers, in front of real workers: a
// table of requests for every server, at the root of a site and below a prefix,
// over Unix sockets and TCP. What came out is docs/reference/web-servers.md; a
// difference fails. Not covered: other versions than Debian 12's.

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/web-servers.md anew")

// mount is where an application is.
type mount struct {
	title, prefix, name string
	flags               []string
}

var mounts = []mount{
	{title: "The application has the whole site"},
	{title: "The application is below a prefix", prefix: "/app", name: "app.example",
		flags: []string{"--prefix", "/app", "--server-name", "app.example"}},
}

// results are what came out, by mount, question, server and transport.
type results struct {
	mu   sync.Mutex // many web servers are asked at once
	seen map[[4]string]string
}

func (r *results) put(mount, question, server, transport, outcome string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[[4]string{mount, question, server, transport}] = outcome
}

func TestWebServers(t *testing.T) {
	r := &results{seen: map[[4]string]string{}}
	t.Run("all", func(t *testing.T) {
		for _, transport := range []string{"unix", "tcp"} {
			p := pool{command: []string{filepath.Join(workers, "worker-params")}}
			if transport == "tcp" {
				p.listen = "tcp:" + freeAddress(t)
			}
			s := start(t, p)
			address := p.listen
			if address == "" {
				address = "unix:" + s.socket
			}
			for _, w := range webServers() {
				for _, m := range mounts {
					t.Run(strings.Join([]string{w.name, transport, m.prefix}, "-"), func(t *testing.T) {
						askAll(t, r, w, m, transport, address)
					})
				}
			}
		}
	})
	if t.Failed() {
		return
	}
	comparePage(t, r.page())
}

func askAll(t *testing.T, r *results, w webServer, m mount, transport, address string) {
	s := startSite(t, w, append([]string{"app", "--listen", address}, m.flags...)...)
	if m.name != "" {
		s.host = m.name
	}
	for _, q := range questions() {
		if m.prefix == "" && (q.nobody || q.path == "") {
			continue
		}
		r.put(m.title, q.title, w.title, transport, q.judge(s, m.prefix))
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
		t.Errorf("what came out is not what %s says; try: go test ./internal/e2e -run TestWebServers -update, and git diff\n%s", path, page)
	}
}

func (r *results) page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, m := range mounts {
		fmt.Fprintf(&b, "\n## %s\n\n| request |", m.title)
		for _, w := range webServers() {
			fmt.Fprintf(&b, " %s |", w.title)
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(webServers())) + "\n")
		for _, q := range questions() {
			r.row(&b, m.title, q.title)
		}
	}
	return b.String()
}

func (r *results) row(b *strings.Builder, mount, question string) {
	cells := ""
	for _, w := range webServers() {
		unix, asked := r.seen[[4]string{mount, question, w.title, "unix"}]
		if !asked {
			return
		}
		cell := unix
		if tcp := r.seen[[4]string{mount, question, w.title, "tcp"}]; tcp != unix {
			cell = fmt.Sprintf("Unix: %s; TCP: %s", orRight(unix), orRight(tcp))
		}
		cells += " " + strings.ReplaceAll(orRight(cell), "|", `\|`) + " |"
	}
	fmt.Fprintf(b, "| %s |%s\n", strings.ReplaceAll(question, "|", `\|`), cells)
}

func orRight(outcome string) string {
	if outcome == "" {
		return "right"
	}
	return outcome
}

const pageHead = `# Web servers in front of a pool

<!-- Written by internal/e2e (TestWebServers); go test ./internal/e2e -run TestWebServers -update writes it anew. -->
`
