package listen

// Not covered: host names that resolve to the same IP address, which Same takes
// for different ones; bind(2) then tells.

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	cases := []struct {
		in   string
		want Address
		back string // "": as in
	}{
		{"unix:/run/x.sock", Address{Kind: Unix, Path: "/run/x.sock"}, ""},
		{"unix:/run//a/../x.sock", Address{Kind: Unix, Path: "/run/x.sock"}, "unix:/run/x.sock"},
		{"unix:/" + strings.Repeat("a", 106), Address{Kind: Unix, Path: "/" + strings.Repeat("a", 106)}, ""},
		{"unix:@app", Address{Kind: Abstract, Path: "app"}, ""},
		{"unix:@a:b/c", Address{Kind: Abstract, Path: "a:b/c"}, ""},
		{"unix:@" + strings.Repeat("a", 107), Address{Kind: Abstract, Path: strings.Repeat("a", 107)}, ""},
		{"tcp:127.0.0.1:9000", Address{Kind: TCP, Host: "127.0.0.1", Port: 9000}, ""},
		{"tcp:LocalHost.:9000", Address{Kind: TCP, Host: "localhost", Port: 9000}, "tcp:localhost:9000"},
		{"tcp:[::1]:65535", Address{Kind: TCP, Host: "::1", Port: 65535}, ""},
		{"tcp:[0:0:0:0:0:0:0:1]:9000", Address{Kind: TCP, Host: "::1", Port: 9000}, "tcp:[::1]:9000"},
		{"tcp:[::ffff:10.0.0.1]:9000", Address{Kind: TCP, Host: "10.0.0.1", Port: 9000}, "tcp:10.0.0.1:9000"},
		{"systemd:blog.socket", Address{Kind: Systemd, Name: "blog.socket"}, ""},
		{"fd:0", Address{Kind: FD}, ""},
		{"fd:03", Address{Kind: FD, FD: 3}, "fd:3"},
	}
	for _, c := range cases {
		got, err := Parse(c.in)
		if err != nil || got != c.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", c.in, got, err, c.want)
			continue
		}
		back := c.back
		if back == "" {
			back = c.in
		}
		if got.String() != back {
			t.Errorf("Parse(%q).String() = %q, want %q", c.in, got, back)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	cases := []struct{ in, want string }{
		{"", "want unix:/PATH"},
		{"http:x", "want unix:/PATH"},
		{"/run/x.sock", "did you mean unix:/run/x.sock?"},
		{"@app", "did you mean unix:@app?"},
		{"x.sock", "did you mean unix:/run/x.sock?"},
		{"unix/run/x.sock", "did you mean unix:/run/x.sock?"},
		{"9000", "did you mean tcp:127.0.0.1:9000?"},
		{":9000", "did you mean tcp:127.0.0.1:9000?"},
		{"localhost:9000", "did you mean tcp:localhost:9000?"},
		{"[::1]:9000", "did you mean tcp:[::1]:9000?"},
		{"unix:", "no path"},
		{"unix:x.sock", "try: unix:/run/x.sock"},
		{"unix:/run/x/", "try: unix:/run/x.sock"},
		{"unix:/run/\x00", "NUL"},
		{"unix:/" + strings.Repeat("a", 107), "108 bytes long, the kernel takes 107"},
		{"unix:@", "try: unix:@NAME"},
		{"unix:@" + strings.Repeat("a", 108), "108 bytes long"},
		{"tcp:9000", "want a host and a port"},
		{"tcp::9000", "try: tcp:127.0.0.1:9000"},
		{"tcp:*:9000", "try: tcp:127.0.0.1:9000"},
		{"tcp:::1:9000", "needs brackets"},
		{"tcp:127.0.0.1:0", "out of range"},
		{"tcp:127.0.0.1:65536", "out of range"},
		{"tcp:127.0.0.1:http", "not a number"},
		{"tcp:a b:80", "no host name"},
		{"systemd:", "FileDescriptorName="},
		{"fd:", "try: fd:0"},
		{"fd:-1", "try: fd:0"},
		{"fd:1", "our own output"},
	}
	for _, c := range cases {
		got, err := Parse(c.in)
		if err == nil {
			t.Errorf("Parse(%q) = %+v, want an error with %q", c.in, got, c.want)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%q): %v; want it to say %q", c.in, err, c.want)
		}
	}
}

func TestSame(t *testing.T) {
	cases := []struct {
		a, b string
		want bool
	}{
		{"unix:/run/x.sock", "unix:/run/./x.sock", true},
		{"unix:/run/x.sock", "unix:@/run/x.sock", false},
		{"tcp:127.0.0.1:9000", "tcp:[::ffff:127.0.0.1]:9000", true},
		{"tcp:127.0.0.1:9000", "tcp:127.0.0.1:9001", false},
		{"tcp:127.0.0.1:9000", "tcp:127.0.0.2:9000", false},
		{"tcp:127.0.0.1:9000", "tcp:0.0.0.0:9000", true},
		{"tcp:127.0.0.1:9000", "tcp:[::]:9000", true},
		{"tcp:[::1]:9000", "tcp:[::]:9000", true},
		{"tcp:[::1]:9000", "tcp:0.0.0.0:9000", false},
		{"tcp:0.0.0.0:9000", "tcp:[::]:9000", true},
		{"tcp:app.example:9000", "tcp:0.0.0.0:9000", true},
		{"tcp:app.example:9000", "tcp:[::]:9001", false},
		{"systemd:a", "systemd:a", true},
		{"systemd:a", "systemd:b", false},
		{"fd:0", "fd:3", false},
	}
	for _, c := range cases {
		a, b := parse(t, c.a), parse(t, c.b)
		if a.Same(b) != c.want || b.Same(a) != c.want {
			t.Errorf("%s and %s: Same is %v and %v, want %v", a, b, a.Same(b), b.Same(a), c.want)
		}
	}
}

func parse(t testing.TB, s string) Address {
	t.Helper()
	a, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"unix:/run/x.sock", "unix:@a", "tcp:[::1]:9000", "tcp:[fe80::1%lo]:1", "systemd:a", "fd:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(a.String())
		if err != nil || again != a {
			t.Errorf("Parse(%q) = %+v, but Parse(%q) = %+v, %v", s, a, a, again, err)
		}
	})
}
