package fastcgi

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// errOutsidePrefix is a path that does not lie under the application's prefix.
var errOutsidePrefix = errors.New("the path is outside the application's prefix")

// Target is an HTTP request as a web server would describe it to an application.
type Target struct {
	Method        string      // "" is GET
	URI           string      // as in the request line: "/a%20b?x=1"
	Protocol      string      // "" is HTTP/1.1
	Header        http.Header // without Host
	Host          string      // the Host header, with the port if it has one
	HTTPS         bool
	RemoteAddress string // HOST:PORT of the client; the port may be missing
	ServerAddress string // HOST:PORT the client connected to; may be ""
	Prefix        string // where the application is mounted: "" or "/app"
	ContentLength int64  // bytes of the body, -1 for a request without one

	// ScriptFilename is the file of the program; "" leaves SCRIPT_FILENAME out.
	// php-cgi and fcgiwrap need it, others ignore it.
	ScriptFilename string
}

// BaseParams is the whole CGI environment of a request (RFC 3875, section 4.1, and
// what web servers add to it), in a fixed order. It fails when URI is no absolute
// path, is wrongly percent-encoded or lies outside Prefix.
func BaseParams(t Target) ([]Param, error) {
	prefix := strings.TrimSuffix(t.Prefix, "/")
	rawPath, query, _ := strings.Cut(t.URI, "?")
	if !strings.HasPrefix(rawPath, "/") {
		return nil, fmt.Errorf("the path %q does not begin with a slash", rawPath)
	}
	path, err := url.PathUnescape(rawPath) // once: an encoded %25 stays a percent sign
	if err != nil {
		return nil, fmt.Errorf("decode the path: %v", err)
	}
	pathInfo, under := strings.CutPrefix(path, prefix)
	if !under || pathInfo != "" && pathInfo[0] != '/' {
		return nil, fmt.Errorf("%w: %s is not under %s", errOutsidePrefix, path, prefix)
	}
	serverName, serverPort := t.server()
	remoteHost, remotePort := splitHostPort(t.RemoteAddress)
	serverHost, _ := splitHostPort(t.ServerAddress)
	params := []Param{
		{"GATEWAY_INTERFACE", "CGI/1.1"},
		{"SERVER_SOFTWARE", "fcgi-supervisor"},
		{"SERVER_PROTOCOL", cmp.Or(t.Protocol, "HTTP/1.1")},
		{"SERVER_NAME", serverName},
		{"SERVER_PORT", serverPort},
		{"REQUEST_METHOD", cmp.Or(t.Method, http.MethodGet)},
		{"REQUEST_SCHEME", t.scheme()},
		{"REQUEST_URI", t.URI},
		{"SCRIPT_NAME", prefix},
		{"PATH_INFO", pathInfo},
		{"QUERY_STRING", query},
		{"REMOTE_ADDR", remoteHost},
		{"REDIRECT_STATUS", "200"}, // php-cgi built with force-cgi-redirect refuses to run without it
	}
	params = appendGiven(params, "SERVER_ADDR", serverHost)
	params = appendGiven(params, "REMOTE_PORT", remotePort)
	params = appendGiven(params, "SCRIPT_FILENAME", t.ScriptFilename)
	if t.HTTPS {
		params = append(params, Param{"HTTPS", "on"})
	}
	if t.ContentLength >= 0 { // RFC 3875, section 4.1.2: set if and only if there is a body
		params = append(params, Param{"CONTENT_LENGTH", strconv.FormatInt(t.ContentLength, 10)})
	}
	params = appendGiven(params, "CONTENT_TYPE", t.Header.Get("Content-Type"))
	params = appendGiven(params, "HTTP_HOST", t.Host)
	return appendHeaders(params, t.Header), nil
}

func appendGiven(params []Param, name, value string) []Param {
	if value == "" {
		return params
	}
	return append(params, Param{name, value})
}

func (t Target) scheme() string {
	if t.HTTPS {
		return "https"
	}
	return "http"
}

// server is the name the client used and the port it reached. SERVER_NAME must
// not be empty (PEP 3333).
func (t Target) server() (name, port string) {
	name, port = splitHostPort(t.Host)
	serverHost, serverPort := splitHostPort(t.ServerAddress)
	name = cmp.Or(name, serverHost, "localhost")
	port = cmp.Or(serverPort, port)
	if port == "" && t.HTTPS {
		port = "443"
	}
	return name, cmp.Or(port, "80")
}

// splitHostPort takes an address without a port, too. An IPv6 address loses its
// brackets.
func splitHostPort(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return strings.Trim(address, "[]"), ""
	}
	return host, port
}

// appendHeaders adds the HTTP_ parameters, sorted by name. Left out, beside what
// concerns only the connection, is what would do harm: Proxy, which programs take for
// their own proxy setting (httpoxy, CVE-2016-5385), and names with an underscore,
// which after the change of "-" to "_" would pass for other headers.
func appendHeaders(params []Param, header http.Header) []Param {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	ofConnection := connectionHeaders(header)
	for _, name := range names {
		switch canonical := textproto.CanonicalMIMEHeaderKey(name); {
		case canonical == "Content-Type", canonical == "Content-Length", canonical == "Host", canonical == "Proxy",
			ofConnection[canonical], strings.Contains(name, "_"):
			continue
		}
		separator := ", "
		if name == "Cookie" {
			separator = "; " // RFC 6265, section 5.4
		}
		params = append(params, Param{
			"HTTP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")),
			strings.Join(header[name], separator),
		})
	}
	return params
}

// connectionHeaders are the names of what concerns one connection only and is
// never passed on (RFC 9110, section 7.6.1). An application that sees
// HTTP_TRANSFER_ENCODING looks for chunks in a body that has none any more.
func connectionHeaders(header http.Header) map[string]bool {
	names := map[string]bool{
		"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true,
		"Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	}
	for _, list := range header["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			names[textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))] = true
		}
	}
	return names
}
