package fastcgi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// Not covered: how applications take these parameters (end-to-end tests).

// asMap fails on a name that is there twice.
func asMap(t *testing.T, params []Param) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, p := range params {
		if _, twice := values[p.Name]; twice {
			t.Errorf("%s is there twice", p.Name)
		}
		values[p.Name] = p.Value
	}
	return values
}

func TestBaseParamsWhole(t *testing.T) {
	params, err := BaseParams(Target{
		Method: "POST", URI: "/app/a%2520b/caf%C3%A9?x=%31&y", Protocol: "HTTP/1.0", Host: "example.org:8443", HTTPS: true,
		Header: http.Header{
			"Content-Type": {"text/plain"}, "Content-Length": {"99"}, "X-Two": {"a", "b"}, "Cookie": {"a=1", "b=2"}, "Accept": {"*/*"},
			"Proxy": {"http://evil"}, "Transfer-Encoding": {"chunked"}, "Connection": {"close, X-Hop"}, "X-Hop": {"1"}, "Te": {"trailers"},
			"Upgrade": {"h2c"}, "Keep-Alive": {"5"}, "X_Forwarded_For": {"1.2.3.4"}, "Authorization": {"Basic eDp5"},
		},
		RemoteAddress: "[2001:db8::1]:4711", ServerAddress: "[::1]:8443", Prefix: "/app", ContentLength: 5, ScriptFilename: "/srv/app.php",
	})
	want := []Param{
		{"GATEWAY_INTERFACE", "CGI/1.1"}, {"SERVER_SOFTWARE", "fcgi-supervisor"}, {"SERVER_PROTOCOL", "HTTP/1.0"},
		{"SERVER_NAME", "example.org"}, {"SERVER_PORT", "8443"}, {"REQUEST_METHOD", "POST"}, {"REQUEST_SCHEME", "https"},
		{"REQUEST_URI", "/app/a%2520b/caf%C3%A9?x=%31&y"}, {"SCRIPT_NAME", "/app"}, {"PATH_INFO", "/a%20b/café"}, {"QUERY_STRING", "x=%31&y"},
		{"REMOTE_ADDR", "2001:db8::1"}, {"REDIRECT_STATUS", "200"}, {"SERVER_ADDR", "::1"}, {"REMOTE_PORT", "4711"},
		{"SCRIPT_FILENAME", "/srv/app.php"}, {"HTTPS", "on"}, {"CONTENT_LENGTH", "5"}, {"CONTENT_TYPE", "text/plain"},
		{"HTTP_HOST", "example.org:8443"}, {"HTTP_ACCEPT", "*/*"}, {"HTTP_AUTHORIZATION", "Basic eDp5"},
		{"HTTP_COOKIE", "a=1; b=2"}, {"HTTP_X_TWO", "a, b"},
	}
	if err != nil || !slices.Equal(params, want) {
		t.Errorf("%v\ngot  %q\nwant %q", err, params, want)
	}
}

func TestBaseParamsPaths(t *testing.T) {
	for _, c := range []struct{ prefix, uri, script, info, query string }{
		{"", "/", "", "/", ""},
		{"", "/?", "", "/", ""},
		{"/", "/a", "", "/a", ""},
		{"", "//a//b", "", "//a//b", ""},
		{"/app", "/app", "/app", "", ""},
		{"/app", "/app?x=1?y", "/app", "", "x=1?y"},
		{"/app/", "/app/", "/app", "/", ""},
		{"/app", "/%61pp/x", "/app", "/x", ""},
		{"", "/a%2Fb%3Fc", "", "/a/b?c", ""},
		{"", "/%0A", "", "/\n", ""},
		{"", "/a+b", "", "/a+b", ""},
		{"", "/%FF", "", "/\xff", ""},
	} {
		params, err := BaseParams(Target{Prefix: c.prefix, URI: c.uri, ContentLength: -1})
		v := asMap(t, params)
		if err != nil || v["SCRIPT_NAME"] != c.script || v["PATH_INFO"] != c.info || v["QUERY_STRING"] != c.query || v["REQUEST_URI"] != c.uri {
			t.Errorf("%+v: %v, %q %q %q", c, err, v["SCRIPT_NAME"], v["PATH_INFO"], v["QUERY_STRING"])
		}
	}
}

func TestBaseParamsRefuses(t *testing.T) {
	for _, c := range []struct {
		prefix, uri string
		outside     bool
	}{
		{"", "", false}, {"", "*", false}, {"", "a", false}, {"", "/%zz", false}, {"", "/%2", false},
		{"/app", "/", true}, {"/app", "/application", true}, {"/app", "/App", true},
	} {
		if _, err := BaseParams(Target{Prefix: c.prefix, URI: c.uri}); err == nil || errors.Is(err, errOutsidePrefix) != c.outside {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestBaseParamsServer(t *testing.T) {
	for _, c := range []struct {
		host, server string
		https        bool
		name, port   string
	}{
		{"a.org", "", false, "a.org", "80"},
		{"a.org", "", true, "a.org", "443"},
		{"a.org:81", "", true, "a.org", "81"},
		{"a.org", "10.0.0.1:8080", false, "a.org", "8080"},
		{"", "10.0.0.1:8080", false, "10.0.0.1", "8080"},
		{"[::1]", "", false, "::1", "80"},
		{"[::1]:81", "", false, "::1", "81"},
		{"", "", false, "localhost", "80"},
	} {
		params, err := BaseParams(Target{URI: "/", Host: c.host, ServerAddress: c.server, HTTPS: c.https})
		v := asMap(t, params)
		if err != nil || v["SERVER_NAME"] != c.name || v["SERVER_PORT"] != c.port {
			t.Errorf("%+v: %v, %q %q", c, err, v["SERVER_NAME"], v["SERVER_PORT"])
		}
	}
}

func TestContentLengthOnlyWithABody(t *testing.T) {
	for length, want := range map[int64]bool{-1: false, 0: true, 1 << 40: true} {
		params, err := BaseParams(Target{URI: "/", ContentLength: length})
		got, given := asMap(t, params)["CONTENT_LENGTH"]
		if err != nil || given != want || given && got != fmt.Sprint(length) {
			t.Errorf("%d: %v, %q, %v", length, err, got, given)
		}
	}
}
