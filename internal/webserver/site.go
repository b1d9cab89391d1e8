package webserver

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"fcgi-supervisor/internal/listen"
)

// Site is what a configuration is written for. The zero value of a field that is
// not marked otherwise is a good default.
type Site struct {
	Pool       string         // names things in the configuration; required
	Listen     listen.Address // where the pool listens; required
	HTTP       string         // where the web server listens, [HOST]:PORT; "": port 80 of every address
	ServerName string         // DNS name of the site; "": whatever name clients use
	Prefix     string         // where the application is mounted; "" or "/": the whole site
	Root       string         // absolute; a folder whose files the web server sends itself; "": none
	PHP        bool           // the workers are php-cgi: they run files below Root, which must be set

	// ReadTimeout is how long the web server waits for a worker that says nothing;
	// 0: a minute, which is what most of them do by themselves.
	ReadTimeout time.Duration
}

var (
	nameRule   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	dnsName    = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)
	prefixRule = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
	socketRule = regexp.MustCompile(`^[A-Za-z0-9._/@+,=~-]+$`)
	control    = regexp.MustCompile(`[\x00-\x1f\x7f]`)
)

// checked is the site in normal form, or the first thing that is wrong with it.
func (s Site) checked() (Site, error) {
	if !nameRule.MatchString(s.Pool) {
		return s, fmt.Errorf("the pool's name %q does not fit into a configuration; want letters, digits and . _ -", s.Pool)
	}
	for _, check := range []func(*Site) error{
		(*Site).checkListen, (*Site).checkHTTP, (*Site).checkServerName, (*Site).checkPrefix, (*Site).checkRoot,
	} {
		if err := check(&s); err != nil {
			return s, err
		}
	}
	if s.ReadTimeout < 0 {
		return s, fmt.Errorf("a timeout of %s has passed already", s.ReadTimeout)
	}
	if s.ReadTimeout == 0 {
		s.ReadTimeout = time.Minute
	}
	s.ReadTimeout = max(time.Second, s.ReadTimeout.Round(time.Second)) // the shortest that all servers can write
	return s, nil
}

// checkListen wants an address that a web server can connect to. What is rare in
// the path of a socket is refused: nearly every server reads blanks, colons or
// dollar signs there in a way of its own.
func (s *Site) checkListen() error {
	switch s.Listen.Kind {
	case listen.Unix:
		if !socketRule.MatchString(s.Listen.Path) {
			return fmt.Errorf("web servers do not agree on how to write the socket path %q; try: a path of letters, digits and . _ - / only", s.Listen.Path)
		}
		return nil
	case listen.TCP:
		if ip, err := netip.ParseAddr(s.Listen.Host); err == nil {
			s.Listen.Host = reachable(ip).String()
			return nil
		}
		if !dnsName.MatchString(s.Listen.Host) {
			return fmt.Errorf("%q is no host that a web server can be told to connect to", s.Listen.Host)
		}
		return nil
	case listen.Abstract:
		return fmt.Errorf("web servers cannot connect to the abstract name %s; try: listen = \"unix:/PATH\"", s.Listen)
	case "":
		return fmt.Errorf("no address to connect to")
	}
	return fmt.Errorf("where %s listens is known only to whoever opens it; try: --listen unix:/PATH or tcp:HOST:PORT, as its socket unit says", s.Listen)
}

// reachable is where to connect to what listens on ip: for every interface, the
// machine's own.
func reachable(ip netip.Addr) netip.Addr {
	switch {
	case !ip.IsUnspecified():
		return ip
	case ip.Is4():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

func (s *Site) checkHTTP() error {
	if s.HTTP == "" {
		s.HTTP = ":80"
	}
	host, port, err := net.SplitHostPort(s.HTTP)
	if err != nil {
		return fmt.Errorf("bad HTTP address %q; want [HOST]:PORT, such as :8080 or 127.0.0.1:8080", s.HTTP)
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return fmt.Errorf("bad port %q in the HTTP address; want 1 to 65535", port)
	}
	ip, err := netip.ParseAddr(host)
	if host != "" && (err != nil || ip.Zone() != "") {
		return fmt.Errorf("bad host %q in the HTTP address; want an IP address, or nothing for all", host)
	}
	if host == "" || ip.IsUnspecified() {
		host = ""
	} else {
		host = ip.String()
	}
	s.HTTP = net.JoinHostPort(host, strconv.Itoa(number))
	return nil
}

func (s *Site) checkServerName() error {
	if s.ServerName == "" {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(s.ServerName, "."))
	if !dnsName.MatchString(name) || len(name) > 253 {
		return fmt.Errorf("bad server name %q; want one DNS name, such as blog.example.org (letters beyond ASCII in their xn-- form)", s.ServerName)
	}
	s.ServerName = name
	return nil
}

// checkPrefix is stricter than URLs are: web servers compare the path before or
// after decoding it, and with regular expressions.
func (s *Site) checkPrefix() error {
	given := s.Prefix
	s.Prefix = strings.TrimSuffix(s.Prefix, "/")
	switch {
	case s.Prefix == "" && (given == "" || given == "/"):
		return nil
	case !prefixRule.MatchString(s.Prefix):
		return fmt.Errorf("bad prefix %q; want a path such as /app, of letters, digits and . _ ~ -", given)
	case s.Prefix != filepath.Clean(s.Prefix):
		return fmt.Errorf("bad prefix %q: . and .. have no place in it; try: %s", given, filepath.Clean(s.Prefix))
	case s.PHP:
		return fmt.Errorf("PHP scripts are found by their place below --root; try: leave --prefix out, and put the application into the folder %s%s", s.Root, s.Prefix)
	}
	return nil
}

func (s *Site) checkRoot() error {
	switch {
	case s.Root == "" && s.PHP:
		return fmt.Errorf("PHP needs to know where its scripts are; try: --root FOLDER")
	case s.Root == "":
		return nil
	case !filepath.IsAbs(s.Root):
		return fmt.Errorf("the folder %q is relative; want an absolute path", s.Root)
	case !utf8.ValidString(s.Root):
		return fmt.Errorf("the name of the folder %q is not UTF-8; try: a symbolic link to it", s.Root)
	case control.MatchString(s.Root):
		return fmt.Errorf("the folder %q has a control character in its name, which does not fit into a configuration", s.Root)
	}
	s.Root = filepath.Clean(s.Root)
	if s.Root == "/" {
		return fmt.Errorf("the folder / is the whole machine; everything below it could be downloaded")
	}
	return nil
}
