package e2e

// What doctor says of pools that run, or ought to. Not covered: web servers that are
// found by themselves, since those of other tests run beside.

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// listenAt has this test listen at a path, until it ends.
func listenAt(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

// staleSocket leaves a socket file behind that nobody listens on.
func staleSocket(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
}

func doctorLooksAtRunningPools(t *testing.T) {
	c := func() []string { return []string{filepath.Join(workers, "worker-c")} }
	for _, d := range []struct {
		name  string
		pool  pool
		args  []string
		shell []string
		hurt  func(t *testing.T, s *supervisor)
		cause string
	}{
		{name: "mode", pool: pool{keys: `listen_mode = "0600"`}, args: []string{"--as", "nobody"},
			cause: `the web server, nobody, may not connect: .*/app.sock is not writable by user nobody.*listen_owner`},
		{name: "access-list", pool: pool{keys: `listen_mode = "0666"`}, hurt: func(t *testing.T, s *supervisor) { mustRun(t, "/", "setfacl", "-m", "u:nobody:---", s.socket) }, args: []string{"--as", "nobody"},
			cause: `the web server, nobody, may not connect: \S+ is not writable by user nobody: its access control list does not allow it`},
		{name: "folder-of-the-socket", hurt: func(t *testing.T, s *supervisor) { chmod(".", 0o750)(t, s.folder) },
			cause: `the web server, www-data, may not connect: \S+ is not searchable by user www-data`},
		{name: "socket-removed", hurt: func(t *testing.T, s *supervisor) { mustRun(t, "/", "rm", s.socket) }, cause: `somebody has removed the socket`},
		{name: "socket-taken", hurt: func(t *testing.T, s *supervisor) {
			mustRun(t, "/", "rm", s.socket)
			listenAt(t, s.socket)
		}, cause: `somebody else listens on`},
		{name: "stopped", hurt: func(t *testing.T, s *supervisor) { s.mustCommand("stop", s.pool) }, cause: `the pool is stopped`},
		{name: "stop-signal", pool: pool{command: []string{"/usr/bin/perl", "-e", `use FCGI; $SIG{TERM} = "IGNORE"; my $r = FCGI::Request(); while ($r->Accept() >= 0) { print "Content-Type: text/plain\r\n\r\n" }`},
			keys: `stop_timeout = "300ms"`}, cause: `does not end within 300ms of SIGTERM`},
		{name: "busy", hurt: func(t *testing.T, s *supervisor) { holdAll(t, s, sleepRequest) }, cause: `all 2 workers are busy, and \d+ clients wait`},
		{name: "keep-alive", hurt: func(t *testing.T, s *supervisor) { holdAll(t, s, keptRequest) }, cause: `kept \(keep-alive\) connection on which nothing comes`},
		{name: "program-broken-since", pool: pool{command: []string{"/usr/bin/perl", "$D/app.pl"}}, hurt: func(t *testing.T, s *supervisor) {
			write(t, filepath.Join(s.folder, "app.pl"), "use Not::There;\n")
		}, cause: `Perl does not find the module Not/There.pm`},
		{name: "binds-the-address-itself", pool: pool{command: []string{"/usr/bin/perl", "$D/app.pl"}}, hurt: func(t *testing.T, s *supervisor) {
			write(t, filepath.Join(s.folder, "app.pl"), where(s.folder, "use FCGI;\nunlink '$D/app.sock';\nmy $s = FCGI::OpenSocket('$D/app.sock', 5);\nsleep 1000;\n"))
			was := inode(t, s.socket)
			t.Cleanup(func() {
				if !os.SameFile(was, inode(t, s.socket)) {
					t.Error("doctor took the socket away from its clients")
				}
			})
		}, cause: `names the pool's socket .* itself.*bindAddress`},
		{name: "inherited-by-nobody", pool: pool{command: []string{"/usr/bin/perl", "$D/app.pl"}, keys: `inherit_environment = ["BLOG_KEY"]`}, hurt: func(t *testing.T, s *supervisor) {
			write(t, filepath.Join(s.folder, "app.pl"), perlApp(`die "no" unless $ENV{BLOG_KEY};`, perlAnswer))
		}, shell: []string{"BLOG_KEY=x"}, cause: `works with BLOG_KEY as it is in your shell`},
		{name: "not-read-yet", hurt: func(t *testing.T, s *supervisor) {
			text, err := os.ReadFile(s.config())
			if err != nil {
				t.Fatal(err)
			}
			write(t, s.config(), strings.ReplaceAll(string(text), "[pool."+s.pool, "[pool.new"+s.pool))
		}, cause: `the running supervisor has no pool new.*kill -HUP`},
	} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			if d.pool.command == nil {
				d.pool.command = c()
			}
			d.pool.processes = 2
			s := prepareIn(t, d.pool)
			s.run(binary, "run", "--config", s.config())
			s.waitRunning()
			s.foreign = s.socket
			if d.hurt != nil {
				d.hurt(t, s)
			}
			args := append([]string{"--config", s.config(), "--timeout", "3s"}, d.args...)
			if len(d.args) == 0 {
				args = append(args, "--as", "www-data")
			}
			r, code := doctorSays(t, d.shell, args...)
			mustSay(t, r, code, d.cause)
		})
	}
}

// prepareIn is prepare for a program in the folder of the run, which is $D.
func prepareIn(t *testing.T, p pool) *supervisor {
	t.Helper()
	s := prepare(t, p)
	text, err := os.ReadFile(s.config())
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.config(), where(s.folder, string(text)))
	write(t, filepath.Join(s.folder, "app.pl"), strings.TrimPrefix(perlApp("", perlAnswer), "#!/usr/bin/perl\n"))
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Requests for /sleep, and for /pid with FCGI_KEEP_CONN, as bytes.
func sleepRequest() []byte { return rawRequest("/sleep", "ms=20000", 0) }
func keptRequest() []byte  { return rawRequest("/pid", "", 1) }

func rawRequest(path, query string, flags byte) []byte {
	var params []byte
	for _, p := range [][2]string{{"REQUEST_METHOD", "GET"}, {"SCRIPT_NAME", ""}, {"PATH_INFO", path}, {"REQUEST_URI", path}, {"QUERY_STRING", query}} {
		params = append(append(append(params, byte(len(p[0])), byte(len(p[1]))), p[0]...), p[1]...)
	}
	record := func(kind byte, content []byte) []byte {
		return append([]byte{1, kind, 0, 1, byte(len(content) >> 8), byte(len(content)), 0, 0}, content...)
	}
	text := record(1, []byte{0, 1, flags, 0, 0, 0, 0, 0})
	return append(append(append(text, record(4, params)...), record(4, nil)...), record(5, nil)...)
}

// holdAll makes more connections than there are workers, until clients wait.
func holdAll(t *testing.T, s *supervisor, request func() []byte) {
	t.Helper()
	for range 5 {
		conn, err := net.Dial("unix", s.socket)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := conn.Write(request()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { // what sleeps would hold up the stop
		for _, pid := range s.mustStatus().ready() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	eventually(t, func() error {
		if p := s.mustStatus(); p.Queue == nil || *p.Queue < 3 {
			return fmt.Errorf("queue %v, want 3 or more", p.Queue)
		}
		return nil
	})
}

// TestDoctorFindsTheWebServer has a real nginx in front. Other tests' servers run
// beside it, so that which one is named is not known.
func TestDoctorFindsTheWebServer(t *testing.T) {
	s := start(t, pool{command: []string{filepath.Join(workers, "worker-c")}, processes: 1, keys: `listen_mode = "0666"`})
	nginx(t, "unix:"+s.socket, "")
	r, code := doctorSays(t, nil, "--config", s.config())
	if code != 0 {
		t.Errorf("exit code %d:\n%s", code, readable(r))
	}
	for _, f := range r.Findings {
		if f.Check == "web server" && regexp.MustCompile(`^\w+ \(pid \d+, user [\w-]+\).* may connect to`).MatchString(f.Text) {
			return
		}
	}
	t.Errorf("no web server was found:\n%s", readable(r))
}

// TestDoctorForPeople looks at the text form, and at mistakes on the command line.
func TestDoctorForPeople(t *testing.T) {
	d := deployment{files: map[string]string{"app.fcgi": "#!/usr/bin/perl\nuse Not::There;\n"}}
	folder, configuration := deploy(t, d)
	o := runCommand(binary, "doctor", "app", "--config", configuration, "--as", "www-data")
	first, rest, _ := strings.Cut(o.stdout, "\n")
	if o.code != 1 || !strings.Contains(first, "Perl does not find the module Not/There.pm") || !strings.HasPrefix(rest, "try: ") || o.stderr != "" {
		t.Errorf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"nosuchpool", "--config", configuration}, 1, "there is no such pool; there are: app"},
		{[]string{"--config", folder + "/nothing.toml"}, 2, "nothing.toml"},
		{[]string{"--config", configuration, "--as", "nosuchuser"}, 2, "nosuchuser"},
		{[]string{"--config", configuration, "--path", "login"}, 2, "does not begin with a slash"},
		{[]string{"--config", configuration, "--prefix", "/a", "--path", "/b"}, 2, "is not under"},
		{[]string{"--config", configuration, "-p", "nonsense"}, 2, "NAME=value"},
		{[]string{"--config", configuration, "--timeout", "0s"}, 2, "--timeout"},
		{[]string{"a", "b", "--config", configuration}, 2, "one pool"},
		{[]string{"--listen", "unix:/run/x.sock", "--", "relative/path"}, 2, "relative"},
	} {
		if o := runCommand(binary, append([]string{"doctor"}, c.args...)...); o.code != c.code || !strings.Contains(o.stderr, c.says) {
			t.Errorf("doctor %s: exit code %d, %s; want %d and %q", strings.Join(c.args, " "), o.code, o.stderr, c.code, c.says)
		}
	}
}

// TestDoctorOfACommand needs no configuration, starts nothing with --no-start, and
// can be asked by an ordinary user about a program of its own.
func TestDoctorOfACommand(t *testing.T) {
	folder, _ := deploy(t, deployment{files: perlFiles("", perlAnswer)})
	command := []string{"--listen", "unix:" + folder + "/../x.sock", "--", folder + "/app.fcgi"}
	o := runCommand(binary, append([]string{"doctor", "--user", "www-data"}, command...)...)
	if o.code != 0 || !strings.Contains(o.stdout, "nothing wrong was found") || !strings.Contains(o.stdout, "answered with status 200") {
		t.Errorf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	o = runCommand(binary, append([]string{"doctor", "--no-start"}, command...)...)
	if o.code != 0 || !strings.Contains(o.stdout, "unchecked  start") {
		t.Errorf("--no-start: exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	as := []string{"--reuid", "www-data", "--regid", "www-data", "--clear-groups", binary, "doctor"}
	o = runCommand("setpriv", append(as, "--listen", "unix:/tmp/"+uniqueName("doctor")+".sock", "--", folder+"/app.fcgi")...)
	if o.code != 0 || !strings.Contains(o.stdout, "answered with status 200") {
		t.Errorf("as www-data: exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	o = runCommand("setpriv", append(as, "--user", "nobody", "--listen", "unix:/tmp/"+uniqueName("doctor")+".sock", "--", folder+"/app.fcgi")...)
	if !strings.Contains(o.stdout, "only root") {
		t.Errorf("as www-data for nobody: exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// TestDoctorLeavesNoSocket: a program that binds the pool's path itself, started by
// doctor where nobody else listens, leaves its file there; doctor takes it away.
func TestDoctorLeavesNoSocket(t *testing.T) {
	folder, configuration := deploy(t, deployment{
		files:  map[string]string{"app.fcgi": "#!/usr/bin/perl\nuse FCGI;\nmy $s = FCGI::OpenSocket('$D/open/own.sock', 5);\nsleep 1000;\n"},
		listen: "unix:$D/open/own.sock",
		change: func(t *testing.T, folder string) {
			mustRun(t, folder, "install", "-d", "-o", "www-data", "open")
		},
	})
	r, code := doctorSays(t, nil, "--config", configuration, "--as", "www-data", "--timeout", "10s")
	mustSay(t, r, code, `makes a socket of its own, unix:`+regexp.QuoteMeta(folder)+`/open/own.sock, instead`)
	if left := socketsIn(folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
