package config

// What Load refuses, and the exact words and places. Not covered: what only the
// machine knows (machine_linux_test.go), the trust in files (trust_test.go), and
// the wording of addresses, which internal/listen tests.

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pool is three lines that are right; a case goes on in line 4.
const pool = `[pool.a]
command = ["/bin/true", "x"]
listen = "unix:/run/a.sock"
`

var mistakes = []struct {
	name string
	file string
	want string // LINE:COL: message, a line each
}{
	// The grammar.
	{"no value", pool + "processes =\n", `4:12: unexpected character U+000A at start of value`},
	{"unquoted word", pool + "ready = auto\n", `4:9: unexpected character U+0061 'a' at start of value`},
	{"unquoted duration", pool + "stop_timeout = 30s\n", `4:18: strings must be quoted`},
	{"leading zero", pool + "umask = 0022\n", `4:9: integers cannot have leading zeroes`},
	{"open string", pool + "directory = \"/srv\nprocesses = 0\n", `4:18: basic strings cannot have new lines
5:13: processes: want a number from 1 to 4096, found 0`},
	{"open list", "[pool.a]\ncommand = [\"/bin/true\"\nlisten = \"unix:/run/a.sock\"\nprocesses = 0\n", `3:1: expected ',' or ']' after array value
4:13: processes: want a number from 1 to 4096, found 0`},
	{"open header", "[pool.a\ncommand = 5\n[pool.b]\nprocesses = 0\n", `1:8: expected ']' to close table name
4:13: processes: want a number from 1 to 4096, found 0`},
	{"no equals sign", pool + "processes 5\n", `4:11: expected '=' after key`},
	{"mistakes in two places", pool + "processes = = 5\nx = 1\nready = auto\n", `4:13: unexpected character U+003D '=' at start of value
5:1: unknown key "x" in [pool.a]
6:9: unexpected character U+0061 'a' at start of value`},
	{"byte order mark", "\xef\xbb\xbf" + pool + "processes = 0\n", `1:1: the file begins with a byte order mark; save it as UTF-8 without one
4:13: processes: want a number from 1 to 4096, found 0`},
	{"bad UTF-8", pool + "directory = \"/\xff\"\n", `4:15: invalid UTF-8 character in basic string`},
	{"bare carriage return", pool + "# a\rb\n", `4:4: carriage returns are not allowed in comments`},
	{"only a bracket", "[", `1:1: expected key but reached end of input`},
	{"only a quote", "\"", `1:1: unterminated basic string`},

	// Tables and keys.
	{"unknown key", pool + "proceses = 5\n", `4:1: unknown key "proceses" in [pool.a]; did you mean "processes"?`},
	{"swapped letters", pool + "usre = \"root\"\n", `4:1: unknown key "usre" in [pool.a]; did you mean "user"?`},
	{"unknown key, nothing near", pool + "colour = \"red\"\n", `4:1: unknown key "colour" in [pool.a]`},
	{"unknown key in [supervisor]", "[supervisor]\nloglevel = \"info\"\n", `2:1: unknown key "loglevel" in [supervisor]; did you mean "log_level"?`},
	{"unknown key in restart", pool + "[pool.a.restart]\ndelay_mx = \"1s\"\n", `5:1: unknown key "delay_mx" in [pool.a.restart]; did you mean "delay_max"?`},
	{"key of another table", pool + "nofile = 5\n", `4:1: unknown key "nofile" in [pool.a]; it belongs in [pool.NAME.limits]`},
	{"key of a pool at the top", "processes = 5\n", `1:1: unknown key "processes" outside of any table; it belongs in [pool.NAME]`},
	{"include within a pool", pool + "include = [\"x\"]\n", `4:1: unknown key "include" in [pool.a]; it belongs before the first table`},
	{"unknown key at the top", "includes = [\"*.toml\"]\n", `1:1: unknown key "includes" outside of any table; did you mean "include"?`},
	{"unknown table", "[pol.a]\ncommand = [\"/bin/true\"]\n", `1:2: unknown table [pol]; did you mean [pool]?`},
	{"unknown table in a pool", pool + "[pool.a.limit]\nnofile = 5\n", `4:9: unknown table [pool.a.limit]; did you mean [pool.a.limits]?`},
	{"unknown inline table", pool + "limt = { nofile = 5 }\n", `4:1: unknown table [pool.a.limt]`},
	{"nowhere to answer HTTP", "[http]\nweb_config_file = \"/etc/x.yml\"\n" + pool, `1:2: missing key "listen" in [http]`},
	{"no address for HTTP", "[http]\nlisten = \"systemd:web\"\n" + pool,
		`2:10: listen: "systemd:web" is no address for HTTP; want HOST:PORT such as "127.0.0.1:9843", or "unix:/PATH"`},
	{"a port for HTTP", "[http]\nlisten = 9843\n" + pool,
		`2:10: listen: want an address such as "127.0.0.1:9843", found the number 9843; write "127.0.0.1:9843"`},
	{"unknown key in [http]", "[http]\nlisten = \"127.0.0.1:1\"\nport = 9\n" + pool, `3:1: unknown key "port" in [http]`},
	{"HTTP on the address of a pool", "[http]\nlisten = \"127.0.0.1:9000\"\n[pool.a]\ncommand = [\"/bin/true\"]\nlisten = \"tcp:0.0.0.0:9000\"\n",
		`2:10: listen: tcp:127.0.0.1:9000 is taken by pool "a" (f.toml:5)`},
	{"probe of no path", pool + "[pool.a.probe]\npath = \"health\"\n", `5:8: path: "health" does not begin with a slash; write "/health"`},
	{"swap of what has one socket", "[pool.a]\ncommand = [\"/bin/true\"]\nlisten = \"unix:@a\"\nreload = \"swap\"\n",
		`4:10: reload: swap needs a second socket at the address (listen = "unix:/PATH" or "tcp:HOST:PORT"), not unix:@a; use "rolling"`},
	{"key twice", pool + "processes = 1\nprocesses = 2\n", `5:1: processes is set twice; the first is at f.toml:4`},
	{"key twice, dotted", pool + "log.file = \"/a\"\nlog.output = \"file\"\nlog.file = \"/b\"\n", `6:5: file is set twice; the first is at f.toml:4`},
	{"table twice", pool + "[pool.a.restart]\ndelay = \"1s\"\n[pool.a.restart]\ndelay = 7\n", `6:2: [pool.a.restart] is defined twice; the first is at f.toml:4
7:9: delay: want a duration such as "30s", found the number 7; write "7s"`},
	{"pool twice", pool + "[pool.a]\ncommand = [\"/bin/true\"]\nprocesses = 0\n", `4:2: [pool.a] is defined twice; the first is at f.toml:1
6:13: processes: want a number from 1 to 4096, found 0`},
	{"supervisor twice", "[supervisor]\nlog_level = \"info\"\n[supervisor]\nlog_level = \"warn\"\n", `3:2: [supervisor] is defined twice; the first is at f.toml:1`},
	{"list of tables", "[[pool]]\nprocesses = 5\n", `1:3: [[pool]] is a list of tables; write [pool]
2:13: pool.processes: want a table, found the number 5`},
	{"list of tables below", pool + "[[pool.a.log]]\nmax_files = 0\n", `4:3: [[pool.a.log]] is a list of tables; write [pool.a.log]
5:13: max_files: want a number from 1 to 1000, found 0`},
	{"key where a table is", "pool = 5\nsupervisor = \"x\"\n", `1:8: pool: want a table, found the number 5
2:14: supervisor: want a table, found the string "x"`},
	{"pool that is no table", "pool.a = 5\n", `1:10: pool.a: want a table, found the number 5`},
	{"log that is no table", pool + "log = \"file\"\n", `4:7: log: want a table, found the string "file"`},
	{"table where a key is", pool + "[pool.a.listen]\npath = \"/run/a\"\n", `4:9: pool.a.listen is no table: it is set to the string "unix:/run/a.sock" at f.toml:3`},
	{"dotted through a value", pool + "processes.max = 5\n", `4:1: processes: want a whole number, found a table`},
	{"dotted through a value set", pool + "processes = 5\nprocesses.max = 5\n", `5:1: processes is no table: it is set to the number 5 at f.toml:4`},
	{"inline table extended", pool + "log = { max_files = 3 }\n[pool.a.log]\nmax_size = \"1MB\"\n", `5:2: [pool.a.log] is defined twice; the first is at f.toml:4`},
	{"inline table extended by dots", pool + "log = { max_files = 3 }\nlog.max_size = \"1MB\"\n", `5:1: key log is already defined`},

	// Missing.
	{"everything missing", "[pool.a]\n", `1:7: missing key "command" in [pool.a]
1:7: missing key "listen" in [pool.a]`},
	{"missing in the first of two", "[pool.a]\nprocesses = 0\n[pool.b]\ncommand = [\"/bin/true\"]\n", `1:7: missing key "command" in [pool.a]
1:7: missing key "listen" in [pool.a]
2:13: processes: want a number from 1 to 4096, found 0
3:7: missing key "listen" in [pool.b]`},

	// Wrong type.
	{"string for a number", pool + "processes = \"5\"\n", `4:13: processes: want a whole number, found the string "5"; write 5`},
	{"word for a number", pool + "processes = \"many\"\n", `4:13: processes: want a whole number, found the string "many"`},
	{"fraction for a number", pool + "processes = 1.5\n", `4:13: processes: want a whole number, found the number 1.5`},
	{"number for a duration", pool + "stop_timeout = 30\n", `4:16: stop_timeout: want a duration such as "30s", found the number 30; write "30s"`},
	{"number for a mode", pool + "listen_mode = 660\n", `4:15: listen_mode: want an octal mode in quotes such as "0660", found the number 660; write "0660"`},
	{"number for a signal", pool + "stop_signal = 15\n", `4:15: stop_signal: want a signal such as "SIGTERM", found the number 15`},
	{"number for a size", pool + "[pool.a.log]\nmax_size = 50\n", `5:12: max_size: want a size such as "50MB", found the number 50`},
	{"number for a string", pool + "user = 33\n", `4:8: user: want a string, found the number 33; write "33"`},
	{"date for a string", pool + "user = 1979-05-27\n", `4:8: user: want a string, found the date 1979-05-27`},
	{"list for a string", pool + "user = [\"root\"]\n", `4:8: user: want a string, found a list`},
	{"string for a list", "[pool.a]\ncommand = \"/bin/true\"\nlisten = \"unix:/run/a.sock\"\n", `2:11: command: want a list of strings, found the string "/bin/true"; write ["/bin/true"]`},
	{"number in a list", "[pool.a]\ncommand = [\"/bin/true\", 5]\nlisten = \"unix:/run/a.sock\"\n", `2:25: command: want a string, found the number 5; write "5"`},
	{"lists in a list", pool + "supplementary_groups = [[\"a\"], {}]\nuser = \"root\"\n", `4:24: supplementary_groups: want a string, found a list
4:32: supplementary_groups: want a string, found a table`},
	{"string for a truth", pool + "[pool.a.limits]\nno_new_privileges = \"true\"\n", `5:21: no_new_privileges: want true or false, found the string "true"; write true`},
	{"number for a truth", pool + "[pool.a.limits]\nno_new_privileges = 1\n", `5:21: no_new_privileges: want true or false, found the number 1`},
	{"number in the environment", pool + "environment = { DEBUG = 1, ON = true }\n", `4:25: environment: DEBUG: want a string, found the number 1; write "1"
4:33: environment: ON: want a string, found true; write "true"`},
	{"list for the environment", pool + "environment = [\"A=b\"]\n", `4:15: environment: want a table such as { NAME = "value" }, found a list`},
	{"number for a core size", pool + "[pool.a.limits]\ncore = 0\n", `5:8: core: want "0", "unlimited" or a size such as "50MB", found the number 0; write "0"`},
	{"string for include", "include = \"conf.d/*.toml\"\n", `1:11: include: want a list of strings, found the string "conf.d/*.toml"; write ["conf.d/*.toml"]`},

	// Impossible values.
	{"no processes", pool + "processes = 0\n", `4:13: processes: want a number from 1 to 4096, found 0`},
	{"negative processes", pool + "processes = -3\n", `4:13: processes: want a number from 1 to 4096, found -3`},
	{"too many processes", pool + "processes = 4097\n", `4:13: processes: want a number from 1 to 4096, found 4097`},
	{"number beyond all bounds", pool + "processes = 99999999999999999999\n", `4:13: processes: want a number from 1 to 4096, found 99999999999999999999`},
	{"duration without unit", pool + "stop_timeout = \"30\"\n", `4:16: stop_timeout: "30" has no unit; write "30s"`},
	{"duration with a bad unit", pool + "stop_timeout = \"30 sec\"\n", `4:16: stop_timeout: bad duration "30 sec"; write it like "30s", "1m30s" or "100ms"`},
	{"duration of nothing", pool + "stop_timeout = \"0s\"\nstart_timeout = \"0\"\n", `4:16: stop_timeout: "0s" is too short; want more than 0
5:17: start_timeout: "0" has no unit; write "0s"`},
	{"negative duration", pool + "stop_timeout = \"-1s\"\nmin_uptime = \"-1s\"\n", `4:16: stop_timeout: "-1s" is too short; want more than 0
5:14: min_uptime: "-1s" is too short; want more than 0`},
	{"mode with a nine", pool + "listen_mode = \"0690\"\n", `4:15: listen_mode: bad mode "0690"; want octal digits from "0000" to "0777"`},
	{"mode too large", pool + "listen_mode = \"4755\"\numask = \"00022\"\n", `4:15: listen_mode: bad mode "4755"; want octal digits from "0000" to "0777"
5:9: umask: bad mode "00022"; want octal digits from "0000" to "0777"`},
	{"unknown signal", pool + "stop_signal = \"SIGTREM\"\n", `4:15: stop_signal: unknown signal "SIGTREM" (kill -l lists them); did you mean "SIGTERM"?`},
	{"signal that ends nothing", pool + "stop_signal = \"SIGSTOP\"\n", `4:15: stop_signal: SIGSTOP does not end a process`},
	{"unknown choice", pool + "ready = \"notfy\"\n", `4:9: ready: unknown value "notfy"; want one of auto, notify, uptime; did you mean "notify"?`},
	{"unknown log level", "[supervisor]\nlog_level = \"loud\"\n", `2:13: log_level: unknown value "loud"; want one of debug, info, warn, error`},
	{"empty choice", pool + "[pool.a.log]\noutput = \"\"\n", `5:10: output: unknown value ""; want one of supervisor, file`},
	{"bad size", pool + "[pool.a.log]\nmax_size = \"50 megabytes\"\n", `5:12: max_size: bad size "50 megabytes"; write it like "50MB" (KB, MB, GB, KiB, MiB, GiB)`},
	{"size of nothing", pool + "[pool.a.log]\nmax_size = \"0MB\"\nmax_files = 0\n", `5:12: max_size: "0MB" is too small; want more than 0
6:13: max_files: want a number from 1 to 1000, found 0`},
	{"size too large", pool + "[pool.a.log]\nmax_size = \"99999999999GB\"\n", `5:12: max_size: bad size "99999999999GB"; write it like "50MB" (KB, MB, GB, KiB, MiB, GiB)`},
	{"bad core size", pool + "[pool.a.limits]\ncore = \"none\"\n", `5:8: core: bad size "none"; want "0", "unlimited" or a size like "50MB"`},
	{"nice too nice", pool + "[pool.a.limits]\nnice = 20\nnofile = 0\n", `5:8: nice: want a number from -20 to 19, found 20
6:10: nofile: want a number from 16 to 1073741824, found 0`},
	{"relative paths", pool + "directory = \"srv\"\nenvironment_file = \"env\"\n", `4:13: directory: "srv" is relative; write the whole path
5:20: environment_file: "env" is relative; write the whole path`},
	{"relative runtime folder", "[supervisor]\nruntime_dir = \"run\"\n", `2:15: runtime_dir: "run" is relative; write the whole path`},
	{"long runtime folder", "[supervisor]\nruntime_dir = \"/" + strings.Repeat("r", 94) + "\"\n", `2:15: runtime_dir: /` + strings.Repeat("r", 94) + `/control.sock would be 108 bytes long, the kernel takes 107 (unix(7)); use a shorter one`},
	{"NUL in a path", pool + "directory = \"/a\\u0000b\"\n", `4:13: directory: a NUL byte in "/a\x00b"`},
	{"empty user", pool + "user = \"\"\n", `4:8: user: is empty; leave the key out to have its default`},
	{"empty group in a list", pool + "user = \"root\"\nsupplementary_groups = [\"\"]\n", `5:25: supplementary_groups: is empty; leave the key out to have its default`},

	// The pool, its command, its address.
	{"bad pool names", "[pool.\"a b\"]\n" + strings.TrimPrefix(pool, "[pool.a]\n") + "[pool.-x]\n", `1:7: bad pool name "a b": want letters, digits, '.', '_' and '-', at most 64, the first a letter or digit
4:7: bad pool name "-x": want letters, digits, '.', '_' and '-', at most 64, the first a letter or digit
4:7: missing key "command" in [pool.-x]
4:7: missing key "listen" in [pool.-x]`},
	{"long pool name", "[pool." + strings.Repeat("x", 65) + "]\n" + strings.TrimPrefix(pool, "[pool.a]\n"), `1:7: bad pool name "` + strings.Repeat("x", 65) + `": want letters, digits, '.', '_' and '-', at most 64, the first a letter or digit`},
	{"empty command", "[pool.a]\ncommand = []\nlisten = \"fd:0\"\n", `2:11: command: is empty; name at least the program`},
	{"command of nothing", "[pool.a]\ncommand = [\"\"]\nlisten = \"fd:0\"\n", `2:12: command: is empty; leave the key out to have its default`},
	{"relative command", "[pool.a]\ncommand = [\"./app.fcgi\"]\nlisten = \"fd:0\"\n", `2:12: command: "./app.fcgi" is relative; write the whole path, as in "/var/www/app.fcgi"`},
	{"command that is nowhere", "[pool.a]\ncommand = [\"no-such-program\"]\nlisten = \"fd:0\"\n", `2:12: command: "no-such-program" is not in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`},
	{"NUL in an argument", "[pool.a]\ncommand = [\"/bin/true\", \"a\\u0000\"]\nlisten = \"fd:0\"\n", `2:25: command: a NUL byte in "a\x00"`},
	{"relative socket", "[pool.a]\ncommand = [\"/bin/true\"]\nlisten = \"unix:a.sock\"\n", `3:10: listen: address "unix:a.sock": a relative path; try: unix:/run/a.sock`},
	{"long socket", "[pool.a]\ncommand = [\"/bin/true\"]\nlisten = \"unix:/run/" + strings.Repeat("s", 103) + "\"\n", `3:10: listen: address "unix:/run/` + strings.Repeat("s", 103) + `": the path is 108 bytes long, the kernel takes 107 (unix(7)); use a shorter one`},
	{"no kind of address", "[pool.a]\ncommand = [\"/bin/true\"]\nlisten = \"/run/a.sock\"\n", `3:10: listen: address "/run/a.sock": did you mean unix:/run/a.sock?`},
	{"one address twice", pool + "[pool.b]\ncommand = [\"/bin/true\"]\nlisten = \"unix:/run/../run//a.sock\"\n", `6:10: listen: unix:/run/a.sock is taken by pool "a" (f.toml:3)`},
	{"one port twice", "[pool.a]\ncommand = [\"/bin/true\"]\nlisten = \"tcp:0.0.0.0:9000\"\n[pool.b]\ncommand = [\"/bin/true\"]\nlisten = \"tcp:127.0.0.1:9000\"\n", `6:10: listen: tcp:127.0.0.1:9000 is taken by pool "a" (f.toml:3)`},

	// Keys together.
	{"group without user", pool + "group = \"root\"\nsupplementary_groups = [\"adm\"]\n", `4:9: group: is set without user; set user too
5:24: supplementary_groups: is set without user; set user too`},
	{"delay longer than its maximum", pool + "[pool.a.restart]\ndelay = \"1m\"\ndelay_max = \"10s\"\n", `5:9: delay: the delay of 1m0s is longer than the delay_max of 10s`},
	{"maximum shorter than the delay", pool + "[pool.a.restart]\ndelay_max = \"50ms\"\n", `5:13: delay_max: the delay of 100ms is longer than the delay_max of 50ms`},
	{"a bad delay is not compared", pool + "[pool.a.restart]\ndelay = \"soon\"\ndelay_max = \"50ms\"\n", `5:9: delay: bad duration "soon"; write it like "30s", "1m30s" or "100ms"`},
	{"what seems missing is damaged", pool + "user = root\ngroup = \"root\"\n", `4:8: unexpected character U+0072 'r' at start of value`},
	{"log file missing", pool + "[pool.a.log]\noutput = \"file\"\n", `5:10: output: is "file", but no file is named; set log.file`},
	{"log file relative", pool + "[pool.a.log]\noutput = \"file\"\nfile = \"a.log\"\n", `6:8: file: "a.log" is relative; write the whole path`},
	{"log file for nothing", pool + "[pool.a.log]\nfile = \"/var/log/a.log\"\n", `5:8: file: is set, but output is not "file"; set log.output`},

	{"bad patterns", pool + "[pool.a.watch]\npaths = [\"lib/[\", \"\", \"..\", \"/etc/../x\", \"/etc/app\", 5]\nignore = [\"{a\", \"a..b\"]\n", `5:10: paths: bad pattern "lib/["
5:19: paths: is empty; leave the key out to have its default
5:23: paths: ".." leads upwards; write the whole path
5:29: paths: "/etc/../x" leads upwards; write the whole path
5:54: paths: want a string, found the number 5; write "5"
6:11: ignore: bad pattern "{a"`},
	{"bad ways to watch", pool + "[pool.a.watch]\ndebounce = \"0s\"\nmode = \"inotfy\"\n", `5:12: debounce: "0s" is too short; want more than 0
6:8: mode: unknown value "inotfy"; want one of auto, inotify, poll; did you mean "inotify"?`},
	{"unknown key in watch", pool + "[pool.a.watch]\npahts = [\".\"]\n", `5:1: unknown key "pahts" in [pool.a.watch]; did you mean "paths"?`},

	// The environment.
	{"bad names", pool + "environment = { \"A=B\" = \"x\", \"\" = \"y\" }\n", `4:17: environment: bad variable name "A=B": it may not contain '=', a newline or a NUL byte
4:30: environment: a variable without a name`},
	{"bad values", pool + "environment = { A = \"a\\u0000\", B = \"b\\nc\" }\n", `4:21: environment: A: bad value "a\x00": it may not contain a newline or a NUL byte
4:36: environment: B: bad value "b\nc": it may not contain a newline or a NUL byte`},
	{"variables of ours", pool + "inherit_environment = [\"NOTIFY_SOCKET\", \"LISTEN_FDS\", \"A=B\", \"\", 5]\n", `4:24: inherit_environment: NOTIFY_SOCKET is the supervisor's own and is never passed on
4:41: inherit_environment: LISTEN_FDS is the supervisor's own and is never passed on
4:55: inherit_environment: bad variable name "A=B": it may not contain '=', a newline or a NUL byte
4:62: inherit_environment: is empty; leave the key out to have its default
4:66: inherit_environment: want a string, found the number 5; write "5"`},

	// Includes.
	{"include that is not there", "include = [\"no-such.toml\"]\n", `1:12: read no-such.toml: no such file or directory`},
	{"include of itself", "include = [\"*.toml\"]\n", `1:12: include: f.toml includes itself`},
	{"bad pattern", "include = [\"[\"]\n", `1:12: include: bad pattern "["`},
}

func TestMistakes(t *testing.T) {
	for _, c := range mistakes {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			got := loadError(t, dir, map[string]string{"f.toml": c.file}, "f.toml")
			got = strings.ReplaceAll(strings.ReplaceAll("\n"+got, "\n"+dir+"/f.toml:", "\n"), dir+"/", "")[1:]
			if got != c.want {
				t.Errorf("of\n%s\ngot\n%s\nwant\n%s", c.file, got, c.want)
			}
		})
	}
}

// loadError writes files, loads one of them, and returns the text of its mistakes.
func loadError(t *testing.T, dir string, files map[string]string, name string) string {
	t.Helper()
	for file, text := range files {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(filepath.Join(dir, name))
	var found Errors
	if !errors.As(err, &found) {
		t.Fatalf("got %v, want Errors", err)
	}
	return err.Error()
}
