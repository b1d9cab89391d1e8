package doctor

// What programs say, in the words of their languages, and what that means; excerpts;
// which problem is the cause. Not covered here: whether a deployment that is broken so
// says it so; internal/e2e breaks real ones.

import (
	"slices"
	"strings"
	"testing"
)

func TestRecognise(t *testing.T) {
	has := []string{"HOME", "PATH"}
	absent := func(name string) bool { return !slices.Contains(has, name) }
	for _, c := range []struct{ text, what string }{
		{"Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\n  File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'SECRET_KEY'\n", "variable SECRET_KEY"},
		{"Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\n    rows['title']\nKeyError: 'title'\n", "Python ends with KeyError: 'title'"},
		{"a.rb:1:in `fetch': key not found: \"DB\" (KeyError)", "variable DB"},
		{"Use of uninitialized value $ENV{\"DB_HOST\"} in string", "variable DB_HOST"},
		{"Use of uninitialized value $ENV{HOME} in string at a.pl line 3.", "Perl says: Use of uninitialized"},
		{"a.sh: 3: DB_HOST: parameter not set", "variable DB_HOST"},
		{"django.core.exceptions.ImproperlyConfigured: Set the DATABASE_URL environment variable", "variable DATABASE_URL"},
		{"Error: DATABASE_URL is not set", "variable DATABASE_URL"},
		{"Error: HOME is not set", "ends with Error: HOME"},
		{"app: error while loading shared libraries: libpq.so.5: cannot open shared object file: No such file or directory", "shared library libpq.so.5"},
		{"app: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by app)", "newer system.*GLIBC_2.38"},
		{"ModuleNotFoundError: No module named 'flask.ext'", "module flask.ext"},
		{"ImportError: No module named yourapplication", "module yourapplication"},
		{"ImportError: cannot import name 'escape' from 'jinja2' (/usr/lib/jinja2.py)", "an import fails: ImportError: cannot import name"},
		{"Can't locate FCGI.pm in @INC (you may need to install the FCGI module) (@INC contains: /etc/perl) at app.pl line 1.", "Perl does not find the module FCGI.pm"},
		{"/usr/lib/ruby/kernel_require.rb:85:in `require': cannot load such file -- fcgi (LoadError)", "Ruby does not find fcgi"},
		{"Error: Cannot find module 'express'\nRequire stack:\n- /srv/a.js", "Node does not find the module express"},
		{"lua5.1: a.lua:1: module 'wsapi' not found:\n\tno field package.preload['wsapi']", "Lua does not find the module wsapi"},
		{"PHP Fatal error:  Uncaught Error: Class \"PDO\" not found in /srv/a.php:3", "PHP does not find PDO"},
		{"PHP Parse error:  syntax error, unexpected token \";\" in /srv/a.php on line 3", "a mistake: Parse error"},
		{"bash: line 1: gunicorn: command not found", "program gunicorn"},
		{"/srv/a.fcgi: 2: exec: gunicorn: not found", "program gunicorn"},
		{"FileNotFoundError: [Errno 2] No such file or directory: 'conf/app.ini'", "file conf/app.ini"},
		{"a.rb:1:in `initialize': No such file or directory @ rb_sysopen - conf/app.ini (Errno::ENOENT)", "file conf/app.ini"},
		{"Error: ENOENT: no such file or directory, open 'conf/app.json'", "file conf/app.json"},
		{"panic: open conf/app.yaml: no such file or directory", "file conf/app.yaml"},
		{"cat: conf/app.ini: No such file or directory", "file conf/app.ini"},
		{"PHP Warning:  file_get_contents(data.txt): failed to open stream: No such file or directory in /srv/a.php", "file data.txt"},
		{"PermissionError: [Errno 13] Permission denied: '/srv/app/secret.ini'", "may not use /srv/app/secret.ini"},
		{"Error: EACCES: permission denied, open '/srv/app/secret.ini'", "may not use /srv/app/secret.ini"},
		{"panic: open /srv/app/secret.ini: permission denied", "may not use /srv/app/secret.ini"},
		{"a.rb:1:in `initialize': Permission denied @ rb_sysopen - /srv/app/secret.ini (Errno::EACCES)", "may not use /srv/app/secret.ini"},
		{"OSError: [Errno 98] Address already in use", "a socket of its own"},
		{"Port 5000 is in use by another program.", "a socket of its own"},
		{"OSError: [Errno 24] Too many open files: 'x'", "file descriptors"},
		{"MemoryError", "out of memory"},
		{"connect() failed: Connection refused", "does not answer"},
		{"psycopg2.OperationalError: could not translate host name \"db\" to address: Name or service not known", "name is not known"},
		{"panic: runtime error: index out of range [1]\n\ngoroutine 1 [running]:\n", "panic: runtime error"},
		{"Traceback (most recent call last):\n  File \"a\", line 1\nValueError: one\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a\", line 2\nRuntimeError: two\n", "RuntimeError: two"},
		{"something went wrong at app.pl line 7.\n", "Perl says: something went wrong at app.pl line 7"},
	} {
		d, known := recognise(c.text, absent)
		if !known || !matches(c.what, d.what) {
			t.Errorf("%q\n means %q, want %q", c.text, d.what, c.what)
		}
	}
	for _, harmless := range []string{"", "\n", "listening\n", "[notice] worker started\n", "10 requests served", "\x00\xff\xfe"} {
		if d, known := recognise(harmless, absent); known {
			t.Errorf("%q is taken for %q", harmless, d.what)
		}
	}
}

// matches takes ".*" in the pattern for anything.
func matches(pattern, text string) bool {
	for part := range strings.SplitSeq(pattern, ".*") {
		_, rest, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = rest
	}
	return true
}

func FuzzRecognise(f *testing.F) {
	f.Add("Traceback (most recent call last):\nKeyError: 'X'", []byte{1, 6, 0, 1, 0, 3, 0, 0, 'a', 'b', 'c'})
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		recognise(text, func(string) bool { return true })
		if got := stdoutOf(raw); len(got) > len(raw) {
			t.Errorf("%d bytes of output in %d bytes of records", len(got), len(raw))
		}
		if lines := excerpt(raw); len(lines) > excerptLines {
			t.Errorf("an excerpt of %d lines", len(lines))
		}
	})
}

func TestOutputOfRecords(t *testing.T) {
	record := func(kind byte, content string, padding int) string {
		return string([]byte{1, kind, 0, 1, 0, byte(len(content)), byte(padding), 0}) + content + strings.Repeat("\x00", padding)
	}
	for text, want := range map[string]string{
		record(6, "Status: 200", 5) + record(7, "warning", 1) + record(6, "\n\n", 6) + record(3, "12345678", 0): "Status: 200\n\n",
		record(6, "cut short", 0)[:12]: "cut ",
		"HTTP/1.1 400 Bad Request\r\n": "HTTP/1.1 400 Bad Request\r\n",
		"x":                            "x",
		"":                             "",
	} {
		if got := string(stdoutOf([]byte(text))); got != want {
			t.Errorf("%q has the output %q, want %q", text, got, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	got := excerpt([]byte("\xef\xbb\xbfContent-Type: text/html\n"))
	want := []string{
		"0000  ef bb bf 43 6f 6e 74 65 6e 74 2d 54 79 70 65 3a  |...Content-Type:|",
		"0010  20 74 65 78 74 2f 68 74 6d 6c 0a                 | text/html.|",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCauseIsWhatExplainsMost(t *testing.T) {
	r := &Report{}
	r.ok("user", "ok")
	r.unknown("kernel log", "not readable", "")
	if r.conclude(); !r.Healthy || r.Cause != nil {
		t.Errorf("without a problem: %+v", r)
	}
	r.problem(trifle, "backlog", "cut", "")
	r.problem(consequence, "pool", "in back-off", "")
	r.problem(ground, "start", "a", "")
	r.problem(ground, "answer", "b", "")
	if r.conclude(); r.Healthy || r.Cause.Text != "a" {
		t.Errorf("the cause is %+v, want the first of those that explain most", r.Cause)
	}
	r.Cause = nil
	r.problem(proof, "difference", "c", "")
	if r.conclude(); r.Cause.Text != "c" {
		t.Errorf("the cause is %+v, want what was proven", r.Cause)
	}
}
