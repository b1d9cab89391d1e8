package service

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fcgi-supervisor/internal/listen"
)

// The finished text: golden files, what systemd's own tools say of it, and how
// values stand in it. Not covered: whether it works (internal/boottest).

var update = flag.Bool("update", false, "write the golden files anew")

func unix(path string) listen.Address { return listen.Address{Kind: listen.Unix, Path: path} }

var variants = []struct {
	name    string
	options Options
	version int
}{
	{"multi-user", Options{}, 252},
	{"notify-reload", Options{}, 253},
	{"single-user", Options{User: "www-data"}, 252},
	{"user-service", Options{UserService: true}, 252},
	{"sockets", Options{Sockets: []Socket{{"blog", unix("/run/50%.sock"), "www-data", "www-data"},
		{"shop", listen.Address{Kind: listen.TCP, Host: "::1", Port: 9000}, "", ""}, {"x", listen.Address{Kind: listen.Abstract, Path: "x"}, "", ""}}}, 252},
	{"package", Options{packaged: true}, 0},
}

func complete(o Options) Options {
	o.Version, o.Config = "1.0", "/etc/fcgi-supervisor/fcgi-supervisor.toml"
	o.Program = "/bin/true" // what systemd-analyze verify wants to find
	return o
}

func TestUnits(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			files, err := complete(v.options).units("/etc/systemd/system", v.version)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, v.name, files)
			if v.version >= notifyReload { // the systemd here does not know it
				return
			}
			warnings, err := verify(Systemd, files)
			if err != nil || warnings != "" {
				t.Errorf("systemd-analyze verify: %v\n%s", err, warnings)
			}
		})
	}
}

func TestScript(t *testing.T) {
	files, err := complete(Options{}).script("/etc/init.d/fcgi-supervisor")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "script", files[2:])
	if _, err := verify(SysV, files); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"no header":  strings.Replace(files[2].Text, "# Provides:", "#", 1),
		"no shell":   strings.Replace(files[2].Text, "#!/bin/sh", "#!/bin/ksh", 1),
		"half of it": files[2].Text[:len(files[2].Text)-20],
	} {
		if _, err := verify(SysV, []File{{"x", text, 0o755}}); err == nil {
			t.Errorf("a script with %s is verified", name)
		}
	}
}

func golden(t *testing.T, name string, files []File) {
	t.Helper()
	var got strings.Builder
	for _, f := range files {
		got.WriteString("==> " + f.Path + "\n" + f.Text)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s is another; go test ./internal/service -update writes it anew. It is now:\n%s", path, got.String())
	}
}

var exposure = regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`)

func TestExposure(t *testing.T) {
	for name, most := range map[string]float64{"multi-user": 4.0, "single-user": 2.0} {
		for _, v := range variants {
			if v.name != name {
				continue
			}
			files, err := complete(v.options).units(t.TempDir(), v.version)
			if err != nil {
				t.Fatal(err)
			}
			unit := files[len(files)-1]
			if err := os.WriteFile(unit.Path, []byte(unit.Text), 0o644); err != nil {
				t.Fatal(err)
			}
			output, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", unit.Path).CombinedOutput()
			found := exposure.FindSubmatch(output)
			if err != nil || found == nil {
				t.Fatalf("systemd-analyze security: %v\n%s", err, output)
			}
			score, _ := strconv.ParseFloat(string(found[1]), 64)
			if score > most {
				t.Errorf("%s: exposure %v, want at most %v", name, score, most)
			}
		}
	}
}

func TestQuoting(t *testing.T) {
	for value, want := range map[string]string{
		`/plain`:     `"/plain"`,
		`a b`:        `"a b"`,
		`50%n`:       `"50%%n"`,
		`$HOME ${A}`: `"$$HOME $${A}"`,
		`q"uo'te\n`:  `"q\"uo'te\\n"`,
		`{{x}} {y}`:  `"\x7b\x7bx}} {y}"`,
		`ünï #;`:     `"ünï #;"`,
	} {
		if got := inUnit(value); got != want {
			t.Errorf("inUnit(%s) = %s, want %s", value, got, want)
		}
	}
	for _, value := range []string{`it's`, `$(x) "y" \`, `''`} {
		output, err := exec.Command("sh", "-c", "printf %s "+inShell(value)).Output()
		if err != nil || string(output) != value {
			t.Errorf("%q comes out of the shell as %q (%v)", value, output, err)
		}
	}
	for _, value := range []string{"a\nb", "a\x00", "\xff", "a\u0085"} {
		if quotable("x", value) == nil {
			t.Errorf("%q is taken", value)
		}
	}
}
