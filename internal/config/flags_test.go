package config

// Pools from flags, the table of flags, and the reference page. Not covered: how
// the command line is cut into flags, which is cmd's.

import (
	"flag"
	"os"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestFromFlagsEveryKey(t *testing.T) {
	c, err := FromFlags(Flags{Command: []string{"/var/www/blog/blog.fcgi"}, Values: map[string][]string{
		"name": {"blog"}, "directory": {"/var/www/blog"}, "listen": {"unix:/run/fcgi-supervisor/blog.sock"},
		"listen-owner": {"www-data"}, "listen-group": {"www-data"}, "listen-mode": {"0660"}, "listen-backlog": {"4096"},
		"processes": {"5"}, "user": {"www-data"}, "group": {"www-data"}, "supplementary-groups": {""}, "umask": {"0022"},
		"env": {"LANG=C.UTF-8"}, "environment-file": {""}, "inherit-environment": {""}, "ready": {"auto"},
		"start-timeout": {"30s"}, "min-uptime": {"1s"}, "stop-signal": {"SIGTERM"}, "stop-timeout": {"30s"}, "reload": {"auto"}, "drain-timeout": {"60s"},
		"probe-path": {"/health"}, "probe-params": {"SCRIPT_NAME=/app"}, "probe-interval": {"10s"}, "probe-timeout": {"3s"}, "probe-failures": {"3"},
		"restart-delay": {"100ms"}, "restart-delay-max": {"30s"},
		"watch": {"."}, "watch-ignore": {"**/.git/**", "**/__pycache__/**", "**/*.pyc,**/node_modules/**,**/*~,**/.*.sw?"},
		"watch-debounce": {"300ms"}, "watch-mode": {"auto"},
		"log-output": {"file"}, "log-file": {"/var/log/fcgi-supervisor/blog.log"}, "log-max-size": {"50MB"}, "log-max-files": {"10"},
		"limit-nofile": {"65536"}, "limit-core": {"0"}, "limit-nice": {"0"}, "no-new-privileges": {"false"},
		"runtime-dir": {"/run/x"}, "control-group": {"adm"}, "log-level": {"warn"}, "log-format": {"json"},
		"http": {"unix:/run/x/http.sock"}, "web-config-file": {"/etc/web.yml"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := full()
	want.Where = "command line"
	if got := bare(c.Pools[0]); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if s := c.Supervisor; s.RuntimeDir != "/run/x" || s.ControlGroup != "adm" || s.LogLevel != 4 || s.LogFormat != "json" {
		t.Errorf("supervisor: %+v", s)
	}
	if h := c.HTTP; h.Listen.Path != "/run/x/http.sock" || h.WebConfigFile != "/etc/web.yml" {
		t.Errorf("http: %+v", h)
	}
	for _, f := range PoolFlags() {
		if _, pool := c.Pools[0].places[keyOfFlag(f.Name)]; !pool && c.Supervisor.places[keyOfFlag(f.Name)].Flag == "" && c.HTTP.places[keyOfFlag(f.Name)].Flag == "" && f.Name != "name" {
			t.Errorf("--%s is not tried above", f.Name)
		}
	}
}

func keyOfFlag(name string) string {
	for _, k := range keys {
		if k.flagName() == name {
			return k.path()
		}
	}
	return ""
}

func TestFromFlagsMistakes(t *testing.T) {
	command := []string{"/bin/true"}
	listening := func(values map[string][]string) map[string][]string {
		values["listen"] = []string{"fd:0"}
		return values
	}
	cases := []struct {
		name  string
		flags Flags
		want  string
	}{
		{"nothing", Flags{}, "--listen: missing\nCOMMAND: missing; write it after --"},
		{"relative command", Flags{Command: []string{"./a"}, Values: listening(map[string][]string{})},
			`COMMAND: "./a" is relative; write the whole path, as in "/var/www/a"`},
		{"bad values", Flags{Command: command, Values: listening(map[string][]string{
			"processes": {"many"}, "stop-timeout": {"30"}, "listen-mode": {"9"}, "no-new-privileges": {"yes"}, "env": {"A"}, "name": {"-"},
		})}, `--env: want a table such as { NAME = "value" }, found the string "A"
--listen-mode: bad mode "9"; want octal digits from "0000" to "0777"
--name: bad pool name "-": want letters, digits, '.', '_' and '-', at most 64, the first a letter or digit
--no-new-privileges: want true or false, found the string "yes"
--processes: want a whole number, found the string "many"
--stop-timeout: "30" has no unit; write "30s"`},
		{"unknown flag", Flags{Command: command, Values: listening(map[string][]string{"proceses": {"5"}, "command": {"x"}})},
			"--command: unknown flag\n--proceses: unknown flag; did you mean \"processes\"?"},
		{"flag twice", Flags{Command: command, Values: map[string][]string{"listen": {"fd:0", "fd:3"}}},
			"--listen: given 2 times; once is meant"},
		{"together", Flags{Command: command, Values: listening(map[string][]string{"group": {"adm"}, "log-output": {"file"}, "restart-delay": {"1m"}})},
			`--group: is set without user; set user too
--log-output: is "file", but no file is named; set log.file
--restart-delay: the delay of 1m0s is longer than the delay_max of 30s`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := FromFlags(c.flags)
			if err == nil || err.Error() != c.want {
				t.Errorf("got\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestFromFlagsName(t *testing.T) {
	for program, want := range map[string]string{
		"/srv/blog.fcgi": "blog", "/srv/my app.py": "my-app", "/srv/.x": "x", "/srv/--": "pool", "/srv/a.b.c": "a.b",
	} {
		c, err := FromFlags(Flags{Command: []string{program}, Values: map[string][]string{"listen": {"fd:0"}}})
		if err != nil || c.Pools[0].Name != want {
			t.Errorf("%s: got %v, %v, want %s", program, c.Pools, err, want)
		}
	}
}

func TestFromFlagsLists(t *testing.T) {
	c, err := FromFlags(Flags{Command: []string{"/bin/true", "a,b"}, Values: map[string][]string{
		"listen": {"fd:0"}, "user": {"root"}, "supplementary-groups": {"adm,tty", "sys"}, "env": {"A=1,2", "B=x=y"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := c.Pools[0]
	if !reflect.DeepEqual(p.SupplementaryGroups, []string{"adm", "tty", "sys"}) || p.Command[1] != "a,b" ||
		!reflect.DeepEqual(p.Environment, map[string]string{"A": "1,2", "B": "x=y"}) {
		t.Errorf("got %+v", p)
	}
}

func TestReference(t *testing.T) {
	const golden = "testdata/configuration.md"
	if *update {
		if err := os.WriteFile(golden, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if Reference() != string(want) {
		t.Errorf("%s is old; run go test -update", golden)
	}
}

func TestEveryKeyIsDescribed(t *testing.T) {
	seen := map[string]string{}
	for _, k := range keys {
		if k.meaning == "" || (k.initial == "") == (k.fallback == "") {
			t.Errorf("%s: want a meaning, and either a default or words about it", k.path())
		}
		if other, taken := seen[k.flagName()]; taken {
			t.Errorf("--%s is %s and %s", k.flagName(), other, k.path())
		}
		seen[k.flagName()] = k.path()
	}
}
