package main

// What webconf takes from the configuration and what it refuses. Not covered: what
// is printed (internal/webserver) and whether servers like it (internal/e2e).

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runCommandLine is the program with these arguments, and its exit code.
func runCommandLine(args ...string) (stdout string, code int, err error) {
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	if err = root.Execute(); err != nil {
		code = exitCode(err)
	}
	return out.String(), code, err
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	path := filepath.Join(t.TempDir(), "fcgi-supervisor.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const twoPools = `
[pool.blog]
command = ["/bin/true"]
listen = "unix:/run/blog.sock"
drain_timeout = "75s"
[pool.shop]
command = ["/usr/bin/php-cgi8.2"]
listen = "tcp:127.0.0.1:9000"
reload = "rolling"
stop_timeout = "20s"
`

func TestWebconfAsksTheConfiguration(t *testing.T) {
	path := writeConfig(t, twoPools)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"nginx", "blog"}, []string{"unix:/run/blog.sock;", "fastcgi_read_timeout 75s;", "upstream blog {"}},
		{[]string{"nginx", "blog", "--timeout", "5m"}, []string{"fastcgi_read_timeout 300s;"}},
		// Rolling: a worker has its stop_timeout. PHP, because it is php-cgi.
		{[]string{"nginx", "shop", "--root", "/srv/shop"}, []string{"127.0.0.1:9000;", "fastcgi_read_timeout 20s;", "SCRIPT_FILENAME"}},
		{[]string{"nginx", "blog", "--listen", "unix:/run/other.sock"}, []string{"unix:/run/other.sock;"}},
	} {
		text, _, err := runCommandLine(append([]string{"webconf", "--config", path}, c.args...)...)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%q: no %q in:\n%s", c.args, want, text)
			}
		}
	}
	one := writeConfig(t, "[pool.blog]\ncommand = [\"/bin/true\"]\nlisten = \"unix:/run/blog.sock\"\n")
	if text, _, err := runCommandLine("webconf", "caddy", "--config", one); err != nil || !strings.Contains(text, "/run/blog.sock") {
		t.Errorf("the only pool need not be named: %v\n%s", err, text)
	}
	if text, _, err := runCommandLine("webconf", "caddy", "--config", "/nowhere", "--listen", "unix:/run/x.sock"); err != nil || !strings.Contains(text, "/run/x.sock") {
		t.Errorf("no configuration is needed with --listen: %v\n%s", err, text)
	}
}

func TestWebconfRefuses(t *testing.T) {
	path := writeConfig(t, twoPools)
	program := filepath.Join(t.TempDir(), "app.fcgi")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	own := writeConfig(t, "[pool.a]\ncommand = [\""+program+"\"]\nlisten = \"unix:/run/a.sock\"\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{}, "name a web server"},
		{[]string{"nginx", "blog", "shop"}, "name a web server"},
		{[]string{"iis", "blog"}, "unknown web server"},
		{[]string{"iis", "--config", "/nowhere.toml"}, "unknown web server"},
		{[]string{"nginx"}, "blog, shop"},
		{[]string{"nginx", "blogg"}, "blog, shop"},
		{[]string{"nginx", "blog", "--config", "/nowhere.toml"}, "--listen"},
		{[]string{"nginx", "--listen", "/run/x.sock"}, "unix:/run/x.sock"},
		{[]string{"nginx", "blog", "--prefix", "app"}, "prefix"},
		{[]string{"nginx", "shop"}, "--root"},
		{[]string{"nginx", "a", "--config", own, "--root", filepath.Dir(program)}, "everybody could download"},
		{[]string{"nginx", "a", "--config", own, "--root", filepath.Dir(filepath.Dir(program))}, "everybody could download"},
		{[]string{"nginx", "blog", "--unknown"}, "unknown flag"},
	} {
		_, code, err := runCommandLine(append([]string{"webconf", "--config", path}, c.args...)...)
		if code != exitUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: exit %d, %v; want exit %d with %q", c.args, code, err, exitUsage, c.want)
		}
		if errors.Is(err, errSilent) {
			t.Errorf("%q: says nothing", c.args)
		}
	}
}
