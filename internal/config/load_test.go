package config

// What Load accepts, what it makes of it, and how files include each other. Not
// covered: mistakes (mistakes_test.go) and folders that we may not read, which
// root, as whom the tests may run, always may.

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fcgi-supervisor/internal/listen"
)

// full is what testdata/interface.toml means.
func full() Pool {
	nofile, core, nice := uint64(65536), uint64(0), 0
	return Pool{
		Name: "blog", Where: "testdata/interface.toml:13",
		Command: []string{"/var/www/blog/blog.fcgi"}, Directory: "/var/www/blog",
		Listen:      listen.Address{Kind: listen.Unix, Path: "/run/fcgi-supervisor/blog.sock"},
		ListenOwner: "www-data", ListenGroup: "www-data", ListenMode: 0o660, ListenBacklog: 4096,
		Processes: 5, User: "www-data", Group: "www-data", SupplementaryGroups: []string{}, Umask: 0o022,
		Environment: map[string]string{"LANG": "C.UTF-8"}, InheritEnvironment: []string{},
		Ready: ReadyAuto, StartTimeout: 30 * time.Second, MinUptime: time.Second,
		StopSignal: syscall.SIGTERM, StopTimeout: 30 * time.Second, Reload: ReloadAuto, DrainTimeout: time.Minute,
		Restart: Restart{Delay: 100 * time.Millisecond, DelayMax: 30 * time.Second},
		Probe:   Probe{Path: "/health", Params: map[string]string{"SCRIPT_NAME": "/app"}, Interval: 10 * time.Second, Timeout: 3 * time.Second, Failures: 3},
		Watch: Watch{Paths: []string{"."}, Debounce: 300 * time.Millisecond, Mode: WatchAuto,
			Ignore: []string{"**/.git/**", "**/__pycache__/**", "**/*.pyc", "**/node_modules/**", "**/*~", "**/.*.sw?"}},
		Log:    Log{Output: OutputFile, File: "/var/log/fcgi-supervisor/blog.log", MaxSize: 50e6, MaxFiles: 10},
		Limits: Limits{NoFile: &nofile, Core: &core, Nice: &nice},
	}
}

// bare is p without the places of its keys, for comparing.
func bare(p Pool) Pool {
	p.places = nil
	return p
}

func TestLoadEveryKey(t *testing.T) {
	c, err := Load("testdata/interface.toml")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Pools) != 1 || !reflect.DeepEqual(bare(c.Pools[0]), full()) {
		t.Errorf("got  %+v\nwant %+v", c.Pools, full())
	}
	s := c.Supervisor
	if s.RuntimeDir != "/run/fcgi-supervisor" || s.ControlGroup != "" || s.LogLevel != 0 || s.LogFormat != "auto" {
		t.Errorf("supervisor: %+v", s)
	}
	if h := c.HTTP; h.Listen.HostPort() != "127.0.0.1:9843" || h.WebConfigFile != "/etc/fcgi-supervisor/web.yml" {
		t.Errorf("http: %+v", h)
	}
	for _, k := range keys {
		if _, inPool := c.Pools[0].places[k.path()]; !inPool && s.places[k.path()].Line == 0 && c.HTTP.places[k.path()].Line == 0 && k.table != tableTop {
			t.Errorf("testdata/interface.toml does not have %s", k.path())
		}
	}
}

func TestLoadDefaults(t *testing.T) {
	t.Setenv("RUNTIME_DIRECTORY", "/run/one:/run/two")
	c, err := load(t, map[string]string{"f.toml": pool})
	if err != nil {
		t.Fatal(err)
	}
	want := full()
	want.Name, want.Command, want.Directory = "a", []string{"/bin/true", "x"}, "/bin"
	want.Listen.Path = "/run/a.sock"
	want.ListenOwner, want.ListenGroup, want.User, want.Group, want.SupplementaryGroups = "", "", "", "", nil
	want.Environment, want.InheritEnvironment = nil, nil
	want.Log.Output, want.Log.File = OutputSupervisor, ""
	want.Watch.Paths = nil
	want.Limits, want.Probe.Path, want.Probe.Params = Limits{}, "", nil
	got := bare(c.Pools[0])
	if want.Where = c.Path + ":1"; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if c.Supervisor.RuntimeDir != "/run/one" {
		t.Errorf("runtime folder %s, want that of systemd", c.Supervisor.RuntimeDir)
	}
}

func TestLoadWaysToWrite(t *testing.T) {
	c, err := load(t, map[string]string{"f.toml": `
supervisor = { log_level = "debug" }
pool.b = { command = ["sh", ""], listen = "tcp:[::1]:9000", user = "root", log.max_files = 0x3 }
[pool.a.limits]
core = "unlimited"
[pool.a]
command = ["/bin/true"]
listen = "unix:@a"
stop_signal = "quit"
user = "0"
[pool.a.environment]
A = ""
"B C" = "x=y"
`})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Pools) != 2 {
		t.Fatalf("pools: %+v", c.Pools)
	}
	a, b := c.Pools[0], c.Pools[1]
	if a.Name != "a" || *a.Limits.Core != Unlimited || a.StopSignal != syscall.SIGQUIT || a.ListenOwner != "0" ||
		!reflect.DeepEqual(a.Environment, map[string]string{"A": "", "B C": "x=y"}) {
		t.Errorf("a: %+v", a)
	}
	if b.Name != "b" || !strings.HasSuffix(b.Command[0], "/bin/sh") || b.Directory != filepath.Dir(b.Command[0]) ||
		b.Log.MaxFiles != 3 || b.Listen.Port != 9000 {
		t.Errorf("b: %+v", b)
	}
	if c.Supervisor.LogLevel >= 0 {
		t.Errorf("log level %v, want debug", c.Supervisor.LogLevel)
	}
}

// named is a pool of its own on its own socket.
func named(name string) string { return strings.ReplaceAll(pool, "a]", name+"]") + "# " + name + "\n" }

// onSocket is named with an address made of the name.
func onSocket(name string) string {
	return strings.ReplaceAll(named(name), "/run/a.sock", "/run/"+name+".sock")
}

func TestInclude(t *testing.T) {
	cases := []struct {
		name  string
		files map[string]string
		pools []string
		read  []string
	}{
		{"glob, sorted", map[string]string{
			"f.toml": "include = [\"d/*.toml\"]\n", "d/2.toml": onSocket("x"), "d/1.toml": onSocket("y"), "d/3.conf": "nonsense",
		}, []string{"x", "y"}, []string{"f.toml", "d/1.toml", "d/2.toml"}},
		{"relative to the naming file", map[string]string{
			"f.toml": "include = [\"d/1.toml\"]\n", "d/1.toml": "include = [\"e/2.toml\"]\n", "d/e/2.toml": onSocket("x"),
		}, []string{"x"}, []string{"f.toml", "d/1.toml", "d/e/2.toml"}},
		{"twice by two ways", map[string]string{
			"f.toml": "include = [\"1.toml\", \"[2-3].toml\"]\n", "1.toml": onSocket("x"), "2.toml": "include = [\"3.toml\"]\n", "3.toml": onSocket("y"),
		}, []string{"x", "y"}, []string{"f.toml", "1.toml", "2.toml", "3.toml"}},
		{"nothing there", map[string]string{"f.toml": "include = [\"d/*.toml\"]\n"}, nil, []string{"f.toml"}},
		{"supervisor in two files", map[string]string{
			"f.toml": "include = [\"1.toml\"]\n[supervisor]\nlog_level = \"warn\"\n", "1.toml": "[supervisor]\nlog_format = \"json\"\n",
		}, nil, []string{"f.toml", "1.toml"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			config, err := load(t, c.files)
			if err != nil {
				t.Fatal(err)
			}
			var pools, read []string
			for _, p := range config.Pools {
				pools = append(pools, p.Name)
			}
			for _, file := range config.Files {
				name, _ := filepath.Rel(filepath.Dir(config.Path), file)
				read = append(read, name)
			}
			if !slices.Equal(pools, c.pools) || !slices.Equal(read, c.read) {
				t.Errorf("pools %v of %v, want %v of %v", pools, read, c.pools, c.read)
			}
		})
	}
}

func TestIncludeMistakes(t *testing.T) {
	cases := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"pool in two files", map[string]string{"f.toml": "include = [\"1.toml\"]\n" + onSocket("x"), "1.toml": onSocket("x") + "processes = 0\n"},
			"1.toml:1:7: pool \"x\" is already defined at f.toml:2\n1.toml:5:13: processes: want a number from 1 to 4096, found 0"},
		{"address in two files", map[string]string{"f.toml": "include = [\"f.toml\", \"d/*\"]\n" + named("x"), "d/1.toml": named("y")},
			"d/1.toml:3:10: listen: unix:/run/a.sock is taken by pool \"x\" (f.toml:4)\nf.toml:1:12: include: f.toml includes itself"},
		{"key in two files", map[string]string{"f.toml": "include = [\"1.toml\"]\n[supervisor]\nlog_level = \"warn\"\n", "1.toml": "[supervisor]\nlog_level = \"warn\"\n"},
			"1.toml:2:1: log_level is set twice; the first is at f.toml:3"},
		{"cycle", map[string]string{"f.toml": "include = [\"1.toml\"]\n", "1.toml": "include = [\"2.toml\"]\n", "2.toml": "include = [\"f.toml\"]\n"},
			"2.toml:1:12: include: f.toml includes itself"},
		{"folder", map[string]string{"f.toml": "include = [\"d\"]\n", "d/1.toml": ""},
			"f.toml:1:12: read d: is a folder; name a file, or FOLDER/*.toml in include"},
		{"all files at once", map[string]string{"f.toml": "include = [\"1.toml\", \"0.toml\"]\nx = 1\n", "1.toml": "y = \n", "0.toml": "z = 1\n"},
			"0.toml:1:1: unknown key \"z\" outside of any table\n1.toml:1:5: unexpected character U+000A at start of value\nf.toml:2:1: unknown key \"x\" outside of any table"},
		{"too large", map[string]string{"f.toml": strings.Repeat("#\n", maxFileSize/2) + "\n"},
			"f.toml:1:1: read f.toml: is larger than 1048576 bytes; is this the right file?"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			got := strings.ReplaceAll(loadError(t, dir, c.files, "f.toml"), dir+"/", "")
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestLoadMissingFile(t *testing.T) {
	_, err := Load("testdata/none.toml")
	if err == nil || err.Error() != "testdata/none.toml:1:1: read testdata/none.toml: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

// load writes files into a new folder and loads f.toml.
func load(t *testing.T, files map[string]string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Load(filepath.Join(dir, "f.toml"))
}

func TestVersion(t *testing.T) {
	same := map[string]func(*Pool){
		"processes": func(p *Pool) { p.Processes++ }, "place": func(p *Pool) { p.Where = "x:1" },
		"stop": func(p *Pool) { p.StopTimeout++ }, "log": func(p *Pool) { p.Log.File = "/x" }, "watch": func(p *Pool) { p.Watch.Paths = nil }, "back-off": func(p *Pool) { p.Restart.Delay++ },
		"reload": func(p *Pool) { p.Reload = ReloadRolling }, "drain": func(p *Pool) { p.DrainTimeout++ }, "probe": func(p *Pool) { p.Probe.Path = "/" },
	}
	different := map[string]func(*Pool){
		"command": func(p *Pool) { p.Command = []string{"/var/www/blog/blog.fcgi", ""} }, "directory": func(p *Pool) { p.Directory = "/" },
		"listen": func(p *Pool) { p.Listen.Path += "x" }, "mode": func(p *Pool) { p.ListenMode = 0o600 }, "user": func(p *Pool) { p.User = "root" },
		"groups": func(p *Pool) { p.SupplementaryGroups = nil }, "umask": func(p *Pool) { p.Umask = 0 },
		"environment": func(p *Pool) { p.Environment = map[string]string{"LANG": "C"} }, "inherit": func(p *Pool) { p.InheritEnvironment = []string{"X"} },
		"ready": func(p *Pool) { p.Ready = ReadyNotify }, "nofile": func(p *Pool) { p.Limits.NoFile = nil }, "core": func(p *Pool) { p.Limits.Core = nil },
		"nice": func(p *Pool) { p.Limits.Nice = nil }, "privileges": func(p *Pool) { p.Limits.NoNewPrivileges = true },
	}
	base := full().Version()
	for name, change := range same {
		p := full()
		if change(&p); p.Version() != base {
			t.Errorf("%s changes the version", name)
		}
	}
	seen := map[string]string{base: "nothing"}
	for name, change := range different {
		p := full()
		change(&p)
		if other, taken := seen[p.Version()]; taken {
			t.Errorf("%s gives the version of %s", name, other)
		}
		seen[p.Version()] = name
	}
}
