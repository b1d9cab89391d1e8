package e2e

// Programs of every kind behind every web server: a body comes back whole at the
// root of a site, and an answer below a prefix. Not covered: php-cgi and Flask in
// detail, which have suites of their own; fcgiwrap, which webconf knows nothing of.

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const kindsTitle = "Programs of other kinds"

const kindsText = "At the root, 1 MiB sent by POST comes back; below `/app`, GET is answered. Over a Unix socket and over TCP."

// frontKinds are the kinds that are on every machine that runs these tests, and
// need no file named. OCaml is left out: it closes before it has read all.
func frontKinds() []kind {
	names := []string{"c", "perl", "ruby", "go", "node", "flask-uwsgi"}
	return slices.DeleteFunc(kinds(), func(k kind) bool { return !slices.Contains(names, k.name) })
}

var kindMounts = []struct{ title, prefix string }{{"root", ""}, {"`/app`", "/app"}}

// askKind puts one server after the other in front of a pool of one kind.
func askKind(t *testing.T, r *results, k kind, transport string) {
	p := pool{command: k.command(), keys: "environment = { " + k.environment + " }"}
	if transport == "tcp" {
		p.listen = "tcp:" + ownAddress()
	}
	running := start(t, p)
	for _, w := range webServers() {
		for _, m := range kindMounts {
			t.Run(w.name+m.prefix, func(t *testing.T) {
				flags := []string{"app", "--listen", cmp.Or(p.listen, "unix:"+running.socket)}
				if m.prefix != "" {
					flags = append(flags, "--prefix", m.prefix)
				}
				r.put(kindsTitle, k.name+", "+m.title, w.title, transport, judgeKind(startSite(t, w, flags...), m.prefix))
			})
		}
	}
}

func judgeKind(s *webSite, prefix string) string {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	f := &front{s.t, client, "http://" + s.address, s.log}
	method, path, sent := http.MethodGet, prefix+"/pid", []byte(nil)
	if prefix == "" {
		method, path, sent = http.MethodPost, "/mirror", bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	}
	a, err := f.request(method, path, sent)
	want := sent
	if prefix != "" {
		want = []byte(fmt.Sprint(a.pid))
	}
	switch {
	case err != nil:
		s.t.Errorf("%s %s: %v", method, path, err)
		return "no answer"
	case a.status != http.StatusOK:
		return fmt.Sprint(a.status)
	case !bytes.Equal(a.body, want):
		return fmt.Sprintf("%d bytes that are not the answer", len(a.body))
	}
	return ""
}

func (r *results) kindsTable(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", kindsTitle, kindsText)
	tableHead(b, "program")
	for _, k := range frontKinds() {
		for _, m := range kindMounts {
			row := k.name + ", " + m.title
			fmt.Fprintf(b, "| %s |", row)
			for _, w := range webServers() {
				fmt.Fprintf(b, " %s |", inCell(r.cell(kindsTitle, row, w, []string{"unix", "tcp"})))
			}
			b.WriteString("\n")
		}
	}
}
