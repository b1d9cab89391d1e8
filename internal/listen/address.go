package listen

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// Kind is how an address is reached.
type Kind string

const (
	Unix     Kind = "unix"     // a name in the file system
	Abstract Kind = "abstract" // a name that exists only while the socket is open
	TCP      Kind = "tcp"
	Systemd  Kind = "systemd" // a listening socket that systemd passes by name
	FD       Kind = "fd"      // a listening socket that is on a descriptor already
)

// maxPath is the longest usable name: sun_path holds 108 bytes, one of which
// ends a path or begins an abstract name (unix(7)).
const maxPath = 107

// Address is where a pool listens. Addresses from Parse are in normal form and
// may be compared with ==.
type Address struct {
	Kind Kind
	Path string // Unix: absolute and clean; Abstract: the name without the @
	Host string // TCP: an IP address without brackets, or a host name
	Port int    // TCP: 1 to 65535
	Name string // Systemd: FileDescriptorName= of the socket unit
	FD   int    // FD: 0, or 3 and above
}

// Parse reads unix:/PATH, unix:@NAME, tcp:HOST:PORT, tcp:[IPV6]:PORT,
// systemd:NAME and fd:N. Its errors quote s and say how to write it right.
func Parse(s string) (Address, error) {
	kind, rest, found := strings.Cut(s, ":")
	if !found {
		return Address{}, unprefixed(s)
	}
	var a Address
	var err error
	switch Kind(kind) {
	case Unix:
		a, err = parseUnix(rest)
	case TCP:
		a, err = parseTCP(rest)
	case Systemd:
		a, err = parseSystemd(rest)
	case FD:
		a, err = parseFD(rest)
	default:
		return Address{}, unprefixed(s)
	}
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %w", s, err)
	}
	return a, nil
}

func parseUnix(path string) (Address, error) {
	name, abstract := strings.CutPrefix(path, "@")
	switch {
	case path == "":
		return Address{}, errors.New("no path; try: unix:/run/NAME.sock")
	case strings.ContainsRune(path, 0):
		return Address{}, errors.New("a NUL byte in the path")
	case abstract && name == "":
		return Address{}, errors.New("no name after the @; try: unix:@NAME")
	case abstract && len(name) > maxPath:
		return Address{}, tooLong("name", len(name))
	case abstract:
		return Address{Kind: Abstract, Path: name}, nil
	case path[0] != '/':
		return Address{}, fmt.Errorf("a relative path; try: unix:/run/%s", filepath.Base(path))
	case strings.HasSuffix(path, "/"):
		return Address{}, fmt.Errorf("a folder; try: unix:%s.sock", strings.TrimRight(path, "/"))
	}
	clean := filepath.Clean(path)
	if len(clean) > maxPath {
		return Address{}, tooLong("path", len(clean))
	}
	return Address{Kind: Unix, Path: clean}, nil
}

func tooLong(what string, length int) error {
	return fmt.Errorf("the %s is %d bytes long, the kernel takes %d (unix(7)); use a shorter one", what, length, maxPath)
}

func parseTCP(s string) (Address, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		if strings.Count(s, ":") > 1 && !strings.Contains(s, "[") {
			return Address{}, errors.New("an IPv6 address needs brackets; try: tcp:[::1]:9000")
		}
		return Address{}, errors.New("want a host and a port; try: tcp:127.0.0.1:9000")
	}
	number, err := strconv.Atoi(port)
	switch {
	case err != nil:
		return Address{}, fmt.Errorf("port %q is not a number", port)
	case number < 1 || number > 65535:
		return Address{}, fmt.Errorf("port %d is out of range; use 1 to 65535", number)
	case host == "" || host == "*":
		return Address{}, fmt.Errorf("no host; try: tcp:127.0.0.1:%d, or tcp:[::]:%d to be reached from everywhere", number, number)
	case strings.ContainsAny(host, " \t\r\n/@") || strings.ContainsRune(host, 0):
		return Address{}, fmt.Errorf("%q is no host name", host)
	}
	return Address{Kind: TCP, Host: normalHost(host), Port: number}, nil
}

// normalHost gives equal hosts one spelling, as far as that is possible without
// asking a name server.
func normalHost(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func parseSystemd(name string) (Address, error) {
	if name == "" {
		return Address{}, errors.New("no name; try: systemd:NAME with FileDescriptorName=NAME in the socket unit")
	}
	return Address{Kind: Systemd, Name: name}, nil
}

func parseFD(s string) (Address, error) {
	fd, err := strconv.Atoi(s)
	switch {
	case err != nil || fd < 0:
		return Address{}, fmt.Errorf("%q is no descriptor; try: fd:0", s)
	case fd == 1 || fd == 2:
		return Address{}, fmt.Errorf("descriptor %d is our own output; pass the socket on 0, or on 3 and above", fd)
	}
	return Address{Kind: FD, FD: fd}, nil
}

// unprefixed guesses what an address without a known prefix was meant to be.
func unprefixed(s string) error {
	guess := ""
	switch {
	case strings.HasPrefix(s, "/"), strings.HasPrefix(s, "@"):
		guess = "unix:" + s
	case strings.HasPrefix(s, "unix/"):
		guess = "unix:" + strings.TrimPrefix(s, "unix")
	case strings.HasSuffix(s, ".sock"):
		guess = "unix:/run/" + filepath.Base(s)
	case looksLikePort(s):
		guess = "tcp:127.0.0.1:" + strings.TrimPrefix(s, ":")
	default:
		if _, err := parseTCP(s); err == nil {
			guess = "tcp:" + s
		}
	}
	if guess != "" {
		return fmt.Errorf("address %q: did you mean %s?", s, guess)
	}
	return fmt.Errorf("address %q: want unix:/PATH, unix:@NAME, tcp:HOST:PORT, systemd:NAME or fd:N", s)
}

func looksLikePort(s string) bool {
	port, err := strconv.Atoi(strings.TrimPrefix(s, ":"))
	return err == nil && port >= 1 && port <= 65535
}

// String is the address as Parse reads it.
func (a Address) String() string {
	switch a.Kind {
	case Unix:
		return "unix:" + a.Path
	case Abstract:
		return "unix:@" + a.Path
	case TCP:
		return "tcp:" + a.HostPort()
	case Systemd:
		return "systemd:" + a.Name
	case FD:
		return "fd:" + strconv.Itoa(a.FD)
	}
	return ""
}

// HostPort is a TCP address as package net writes it.
func (a Address) HostPort() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

// Same says that two pools cannot listen on a and b at once: the addresses are
// equal, or they share a TCP port and one of them is reached on every interface.
func (a Address) Same(b Address) bool {
	if a == b {
		return true
	}
	if a.Kind != TCP || b.Kind != TCP || a.Port != b.Port {
		return false
	}
	return a.everyInterface() && b.overlaps(a) || b.everyInterface() && a.overlaps(b)
}

// Swappable: a second socket can wait at the address, and clients be moved to it at
// once.
func (a Address) Swappable() bool { return a.Kind == Unix || a.Kind == TCP }

func (a Address) everyInterface() bool {
	ip, err := netip.ParseAddr(a.Host)
	return err == nil && ip.IsUnspecified()
}

// overlaps says that a wildcard covers a: [::] takes IPv4 connections too,
// 0.0.0.0 takes no IPv6 ones. A host name may resolve to either.
func (a Address) overlaps(wildcard Address) bool {
	ip, err := netip.ParseAddr(a.Host)
	return err != nil || ip.Is4() || strings.Contains(wildcard.Host, ":")
}
