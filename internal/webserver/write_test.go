package webserver

// What is written for typical sites (golden files), and which values are refused.
// Not covered: whether the servers accept it and what comes of it; internal/e2e
// starts every one of them.

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fcgi-supervisor/internal/listen"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	unixSocket = listen.Address{Kind: listen.Unix, Path: "/run/fcgi-supervisor/blog.sock"}
	tcpSocket  = listen.Address{Kind: listen.TCP, Host: "127.0.0.1", Port: 9000}
)

var sites = map[string]Site{
	"root":   {Pool: "blog", Listen: unixSocket},
	"prefix": {Pool: "blog", Listen: tcpSocket, Prefix: "/app/", ServerName: "Blog.Example.org.", HTTP: "127.0.0.1:8080", ReadTimeout: 90 * time.Second},
	"files":  {Pool: "blog", Listen: unixSocket, Prefix: "/app", Root: "/srv/my blog/public", ServerName: "blog.example.org"},
	"php":    {Pool: "php", Listen: unixSocket, Root: "/srv/php/", PHP: true, ServerName: "blog.example.org"},
}

func TestGolden(t *testing.T) {
	for _, name := range Names() {
		for kind, site := range sites {
			path := filepath.Join("testdata", name+"-"+kind+".conf")
			text, err := Write(name, site)
			if name == "haproxy" && kind == "files" {
				if err == nil {
					t.Error("haproxy was given files to send")
				}
				continue
			}
			if err != nil {
				t.Errorf("%s %s: %v", name, kind, err)
				continue
			}
			if *update {
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if text != string(want) {
				t.Errorf("%s is not what is written now; try: go test ./internal/webserver -update, and git diff\n%s", path, text)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Site)
		want   string // in the message
	}{
		{"pool with a blank", func(s *Site) { s.Pool = "my blog" }, "pool's name"},
		{"pool that ends a line", func(s *Site) { s.Pool = "a\nserver {}" }, "pool's name"},
		{"no address", func(s *Site) { s.Listen = listen.Address{} }, "no address"},
		{"abstract socket", func(s *Site) { s.Listen = listen.Address{Kind: listen.Abstract, Path: "x"} }, "abstract"},
		{"socket of systemd", func(s *Site) { s.Listen = listen.Address{Kind: listen.Systemd, Name: "x"} }, "--listen"},
		{"socket with a blank", func(s *Site) { s.Listen.Path = "/run/my app.sock" }, "socket path"},
		{"socket with a semicolon", func(s *Site) { s.Listen.Path = "/run/a;b.sock" }, "socket path"},
		{"host that is none", func(s *Site) { s.Listen = listen.Address{Kind: listen.TCP, Host: "a;b", Port: 1} }, "no host"},
		{"HTTP without a port", func(s *Site) { s.HTTP = "127.0.0.1" }, "HTTP address"},
		{"HTTP port too high", func(s *Site) { s.HTTP = ":65536" }, "port"},
		{"HTTP host by name", func(s *Site) { s.HTTP = "localhost:80" }, "IP address"},
		{"name with a blank", func(s *Site) { s.ServerName = "a b" }, "server name"},
		{"name with a semicolon", func(s *Site) { s.ServerName = "a;b" }, "server name"},
		{"name with a port", func(s *Site) { s.ServerName = "a.example:80" }, "server name"},
		{"name beyond ASCII", func(s *Site) { s.ServerName = "müller.example" }, "xn--"},
		{"name that ends a line", func(s *Site) { s.ServerName = "a.example\n" }, "server name"},
		{"relative prefix", func(s *Site) { s.Prefix = "app" }, "prefix"},
		{"prefix with a blank", func(s *Site) { s.Prefix = "/my app" }, "prefix"},
		{"prefix with a quote", func(s *Site) { s.Prefix = `/a"b` }, "prefix"},
		{"prefix with a variable", func(s *Site) { s.Prefix = "/$uri" }, "prefix"},
		{"prefix that ends a line", func(s *Site) { s.Prefix = "/a\n" }, "prefix"},
		{"prefix with an empty part", func(s *Site) { s.Prefix = "/a//b" }, "prefix"},
		{"prefix that climbs", func(s *Site) { s.Prefix = "/a/../b" }, "/b"},
		{"relative folder", func(s *Site) { s.Root = "public" }, "relative"},
		{"folder that ends a line", func(s *Site) { s.Root = "/srv/a\nb" }, "control character"},
		{"folder that is no text", func(s *Site) { s.Root = "/srv/\xff" }, "UTF-8"},
		{"the whole machine", func(s *Site) { s.Root = "/../" }, "whole machine"},
		{"a negative timeout", func(s *Site) { s.ReadTimeout = -time.Second }, "timeout"},
		{"PHP without a folder", func(s *Site) { s.PHP = true }, "--root"},
		{"PHP below a prefix", func(s *Site) { s.PHP, s.Root, s.Prefix = true, "/srv", "/app" }, "/srv/app"},
	} {
		site := sites["root"]
		c.change(&site)
		for _, name := range Names() {
			text, err := Write(name, site)
			if err == nil || text != "" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s: %v, want one line with %q, and nothing written", name, c.name, err, c.want)
			}
		}
	}
	if _, err := Write("iis", sites["root"]); err == nil || !strings.Contains(err.Error(), "lighttpd") {
		t.Errorf("an unknown server: %v, want the names of those known", err)
	}
}

// TestSyntaxThatCannot: what one server's strings cannot hold, others' can.
func TestSyntaxThatCannot(t *testing.T) {
	site := sites["php"]
	for folder, refusing := range map[string]string{
		"/srv/$x": "nginx apache", `/srv/a\b`: "lighttpd caddy", "/srv/{x}": "caddy", "/srv/a*": "apache caddy", `/srv/"a b" 'c'; #d`: "",
	} {
		site.Root = folder
		for _, name := range Names() {
			_, err := Write(name, site)
			if want := strings.Contains(refusing, name); (err != nil) != want {
				t.Errorf("%s, %s: %v, want refused: %v", name, folder, err, want)
			}
		}
	}
}

// TestEveryInterfaceIsNoPlaceToConnectTo: a pool that listens everywhere is
// reached on this machine.
func TestEveryInterfaceIsNoPlaceToConnectTo(t *testing.T) {
	for host, want := range map[string]string{"0.0.0.0": "127.0.0.1:9000", "::": "[::1]:9000", "fe00::1": "[fe00::1]:9000", "db.example": "db.example:9000"} {
		site := sites["root"]
		site.Listen = listen.Address{Kind: listen.TCP, Host: host, Port: 9000}
		text, err := Write("nginx", site)
		if err != nil || !strings.Contains(text, "server "+want+";") {
			t.Errorf("%s: %v, want server %s in:\n%s", host, err, want, text)
		}
	}
}

// FuzzWrite: no value begins a line of its own, in any syntax.
func FuzzWrite(f *testing.F) {
	f.Add("blog", "a.example", "/app", "/srv/a b", "127.0.0.1:80", "/run/x.sock")
	f.Add("x", "", "/a$b", "/srv/\"'\\;{}", ":80", "/run/a b.sock")
	f.Add("a\nb", "\n", "/\n", "/\n", "\n:80", "/\n")
	f.Fuzz(func(t *testing.T, pool, name, prefix, root, http, socket string) {
		plain := Site{Pool: "p", Listen: unixSocket}
		for _, server := range Names() {
			site := Site{Pool: pool, Listen: listen.Address{Kind: listen.Unix, Path: socket}, ServerName: name, Prefix: prefix, Root: root, HTTP: http}
			text, err := Write(server, site)
			if err != nil {
				if text != "" {
					t.Errorf("%s: refused, and yet written", server)
				}
				continue
			}
			checked, err := site.checked()
			if err != nil {
				t.Fatal(err)
			}
			// The same site with harmless values has the same lines.
			plain.ServerName, plain.Prefix, plain.Root, plain.HTTP = "", "", "", checked.HTTP
			if checked.ServerName != "" {
				plain.ServerName = "n"
			}
			if checked.Prefix != "" {
				plain.Prefix = "/p"
			}
			if checked.Root != "" {
				plain.Root = "/r"
			}
			want, err := Write(server, plain)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(text, "\n") != strings.Count(want, "\n") {
				t.Errorf("%s: %d lines, want %d:\n%s", server, strings.Count(text, "\n"), strings.Count(want, "\n"), text)
			}
		}
	})
}
