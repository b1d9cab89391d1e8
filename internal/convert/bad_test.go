package convert

// Bad input: one clear error, on one line, with the place; whatever the bytes are,
// nothing panics or hangs, and what is written is accepted.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBadFiles(t *testing.T) {
	folder := t.TempDir()
	for _, name := range Names() {
		for _, c := range []struct{ what, path, want string }{
			{"missing", filepath.Join(folder, "none"), "no such file"},
			{"a folder", folder, "no file"},
			{"a device", "/dev/zero", "no file"},
			{"empty", write(t, folder, "empty", " \n\n"), "empty"},
			{"binary", write(t, folder, "binary", "\x7fELF\x00\x01"), "no text"},
			{"Latin-1", write(t, folder, "latin", "# caf\xe9\n"), "no text"},
			{"huge", write(t, folder, "huge", strings.Repeat("# a line\n", maxFile/8)), "larger"},
			{"something else", write(t, folder, "other", "# nothing\n"), "nothing for " + name},
		} {
			text, err := FromFile(name, c.path)
			if err == nil || text != "" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s: %q, %v; want one line with %q", name, c.what, text, err, c.want)
			}
		}
	}
}

func TestBadSyntax(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct{ peer, text, want string }{
		{"supervisord", "[fcgi-program:x\n", ":1: a section's name has no end"},
		{"supervisord", "[fcgi-program:x]\nnonsense\n", ":2: neither a section"},
		{"supervisord", "[fcgi-program:x]\ncommand=/srv/x \"a\nsocket=unix:///run/x\n", "not closed"},
		{"supervisord", "[fcgi-program:x]\ncommand=/srv/x\nsocket=/run/x\n", "neither unix:// nor tcp://"},
		{"supervisord", "[fcgi-program:x]\nsocket=unix:///run/x\n", "no program"},
		{"php-fpm", "[www\n", "has no end"},
		{"php-fpm", "[www]\nuser = x\n", "no address"},
		{"lighttpd", "fastcgi.server = ( \"/\" => ((\n", "ends where a value"},
		{"lighttpd", "x = \"abc\n", ":1: a string has no end"},
		{"lighttpd", "\n\nfastcgi.server\n", ":4: fastcgi.server has no ="},
		{"lighttpd", "x = " + strings.Repeat("(", 100), "deeper"},
		{"lighttpd", "fastcgi.server = ( \"/\" => (( \"bin-path\" => \"/srv/x\" )) )", "no address"},
		{"apache", "FastCgiServer \"/srv/x\n", ":1: a quote"},
		{"apache", "FastCgiServer /srv/x -processes\n", "-processes has no value"},
		{"apache", "FastCgiExternalServer /x -host a:1\n", "somebody else"},
		{"spawn-fcgi", "spawn-fcgi -s /run/x.sock\n", "no program"},
		{"spawn-fcgi", "spawn-fcgi -s run/x.sock -- /srv/x\n", "relative path"},
		{"spawn-fcgi", "spawn-fcgi -X\n", "unknown option -X"},
	} {
		_, err := FromFile(c.peer, write(t, folder, "file", c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %q: %v; want one line with %q", c.peer, c.text, err, c.want)
		}
	}
}

func TestCyclicIncludes(t *testing.T) {
	for peer, texts := range map[string][2]string{
		"supervisord": {"[include]\nfiles=b\n", "[include]\nfiles=a*\n"},
		"php-fpm":     {"include=b\n", "[x]\ninclude=a\n"},
		"lighttpd":    {"include \"b\"\n", "include \"a\"\n"},
		"apache":      {"Include b\n", "IncludeOptional [a]\n"},
	} {
		folder := t.TempDir()
		a := write(t, folder, "a", texts[0])
		write(t, folder, "b", texts[1])
		if _, err := FromFile(peer, a); err == nil || !strings.Contains(err.Error(), "includes itself") {
			t.Errorf("%s: %v, want that it includes itself", peer, err)
		}
		if _, err := FromFile(peer, write(t, folder, "c", strings.ReplaceAll(texts[0], "b\n", "none\n"))); err == nil {
			t.Errorf("%s: a missing include is no error", peer)
		}
	}
}

func TestArguments(t *testing.T) {
	for line, want := range map[string]string{
		"spawn-fcgi -s /run/a.sock -M 0660 -- /srv/a.fcgi":              "listen_mode = \"0660\"",
		"-p 9000 /srv/a.fcgi --own -options":                            "\"--own\", \"-options\"",
		"spawn-fcgi -a ::1 -p9000 -F3 /srv/a.fcgi":                      "tcp:[::1]:9000",
		"/usr/bin/multiwatch -f 4 -- /srv/a.fcgi":                       "listen = \"fd:0\"",
		"spawn-fcgi -n -s /tmp/a.sock -- multiwatch --forks 2 /srv/a b": "processes = 2",
		"-s /run/a.sock -C 6 -f /usr/bin/php-cgi":                       "processes = 6",
	} {
		text, err := FromArgs("spawn-fcgi", strings.Fields(line))
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%s: %v, want %s in\n%s", line, err, want, text)
			continue
		}
		accepted(t, text)
	}
	for _, words := range [][]string{{}, {""}, {"spawn-fcgi"}, {"-s"}, {"spawn-fcgi", "-v"}, {"-s", "/x\x00", "/y"}, {"multiwatch"}, {"-s", "/run/x", "\xff"}} {
		if text, err := FromArgs("spawn-fcgi", words); err == nil {
			t.Errorf("%q is taken:\n%s", words, text)
		}
	}
	if _, err := FromArgs("apache", []string{"x"}); err == nil || !strings.Contains(err.Error(), "FILE") {
		t.Errorf("arguments for apache: %v", err)
	}
	if _, err := FromFile("god", "/x"); err == nil || !strings.Contains(err.Error(), "supervisord") {
		t.Errorf("an unknown program: %v", err)
	}
}

// TestWhatWeRefuseIsNotCarried: a value that internal/config does not take costs
// the key, not the pool.
func TestWhatWeRefuseIsNotCarried(t *testing.T) {
	text, err := FromFile("supervisord", write(t, t.TempDir(), "x", `
[fcgi-program:x]
command=/srv/x
socket=unix:///run/x.sock
numprocs=100000
umask=99
stopsignal=STOP
user=
stdout_logfile=relative.log
[fcgi-program:x]
command=/srv/y
socket=unix:///run/y.sock
`))
	if err != nil {
		t.Fatal(err)
	}
	cfg := accepted(t, text)
	if len(cfg.Pools) != 2 || cfg.Pools[1].Name != "x-2" {
		t.Errorf("two pools of one name: %+v", cfg.Pools)
	}
	for _, want := range []string{"numprocs=100000", "umask=99", "stopsignal=STOP", "user=", "stdout_logfile=relative.log"} {
		if !strings.Contains(text, "#   "+want) {
			t.Errorf("nothing tells what became of %s:\n%s", want, text)
		}
	}
}

// fuzz feeds one program's parser; files that it includes are not read.
func fuzz(f *testing.F, name string) {
	files, err := filepath.Glob(filepath.Join("testdata", name, "*"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds for %s: %v", name, err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && !strings.HasSuffix(file, ".toml") {
			f.Add(string(text))
		}
	}
	p, err := find(name)
	if err != nil {
		f.Fatal(err)
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := write(t, folder, "file", text)
		pools, err := p.file(&source{read: maxFiles - 1}, path)
		result, err := result(pools, path, name, err)
		switch {
		case err != nil && (result != "" || strings.TrimSpace(err.Error()) == ""):
			t.Errorf("%v, and %q", err, result)
		case err == nil:
			accepted(t, result)
		}
	})
}

func FuzzSupervisord(f *testing.F) { fuzz(f, "supervisord") }
func FuzzPHPFPM(f *testing.F)      { fuzz(f, "php-fpm") }
func FuzzLighttpd(f *testing.F)    { fuzz(f, "lighttpd") }
func FuzzApache(f *testing.F)      { fuzz(f, "apache") }
func FuzzSpawnFcgi(f *testing.F)   { fuzz(f, "spawn-fcgi") }
