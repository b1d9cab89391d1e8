package webserver

import (
	"embed"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed templates
var files embed.FS

// server is one program that configurations are written for.
type server struct {
	name      string
	quote     func(string) string // a path as a string of its syntax
	forbidden string              // bytes that cannot be written in such a string
	noFiles   bool                // it sends no files of its own
}

var servers = []server{
	{name: "nginx", quote: backslashed, forbidden: "$"},
	{name: "apache", quote: backslashed, forbidden: "$*?[]"},
	{name: "lighttpd", quote: quotesOnly, forbidden: `\`},
	{name: "caddy", quote: quotesOnly, forbidden: `{}\*?[]`},
	{name: "haproxy", quote: asShell, noFiles: true},
	{name: "h2o", quote: asYAML},
}

// Names are the web servers that Write knows, in the order of documents.
func Names() []string {
	var names []string
	for _, s := range servers {
		names = append(names, s.name)
	}
	return names
}

// Write is the configuration of a site for one of Names. The error says which
// value of the site is wrong, or cannot be written in that server's syntax.
func Write(name string, site Site) (string, error) {
	i := slices.IndexFunc(servers, func(s server) bool { return s.name == name })
	if i < 0 {
		return "", fmt.Errorf("unknown web server %q; want one of %s", name, strings.Join(Names(), ", "))
	}
	s := servers[i]
	site, err := site.checked()
	if err != nil {
		return "", err
	}
	if at := strings.IndexAny(site.Root, s.forbidden); at >= 0 {
		return "", fmt.Errorf("%s cannot be told of a folder with %q in its name: %q; try: a symbolic link to it", name, site.Root[at], site.Root)
	}
	if s.noFiles && site.Root != "" && !site.PHP {
		return "", fmt.Errorf("%s sends no files, so it has no use for --root; try: leave it out, or another web server", name)
	}
	return s.fill(site)
}

func (s server) fill(site Site) (string, error) {
	t, err := template.New(s.name+".tmpl").Funcs(template.FuncMap{
		"quote": s.quote,
		"ruby":  asRuby,
		"regex": regexp.QuoteMeta,
	}).ParseFS(files, "templates/"+s.name+".tmpl", "templates/common.tmpl")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	if err := t.Execute(&text, view{site}); err != nil {
		return "", err
	}
	return text.String(), nil
}

// view is a site as templates see it.
type view struct{ Site }

// Unix says that the pool has a socket with a path.
func (v view) Unix() bool { return v.Listen.Path != "" }

// Socket is that path.
func (v view) Socket() string { return v.Listen.Path }

// HostPort is where a TCP pool listens.
func (v view) HostPort() string { return net.JoinHostPort(v.Listen.Host, fmt.Sprint(v.Listen.Port)) }

// Files says that the web server is to send what is below Root, and leave all else
// to the application.
func (v view) Files() bool { return v.Root != "" && !v.PHP }

// HTTPHost is the address that the web server listens on; empty: all of them.
func (v view) HTTPHost() string {
	host, _, _ := net.SplitHostPort(v.HTTP)
	return host
}

// HTTPPort is the port that the web server listens on.
func (v view) HTTPPort() string {
	_, port, _ := net.SplitHostPort(v.HTTP)
	return port
}

// UsualHTTP says that the web server's own configuration listens there already.
func (v view) UsualHTTP() bool { return v.HTTP == ":80" }

// Seconds is the read timeout.
func (v view) Seconds() int { return int(v.ReadTimeout.Seconds()) }

// Milliseconds is the read timeout.
func (v view) Milliseconds() int64 { return v.ReadTimeout.Milliseconds() }

// URL is where the site is found, for comments.
func (v view) URL() string {
	host := v.ServerName
	if host == "" {
		host = "localhost"
	}
	if v.HTTPPort() != "80" {
		host += ":" + v.HTTPPort()
	}
	return "http://" + host + v.Prefix + "/"
}
