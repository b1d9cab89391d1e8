package e2e

// Deployments that are broken in one way each. Nothing is tested here.

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// perlApp is a FastCGI program with code before its loop and in it.
func perlApp(before, inside string) string {
	return "#!/usr/bin/perl\nuse strict; use FCGI;\n" + before + "\nmy $r = FCGI::Request();\nwhile ($r->Accept() >= 0) {\n" + inside + "\n}\n"
}

const perlAnswer = `print "Content-Type: text/plain\r\n\r\nhello\n";`

func perlFiles(before, inside string) map[string]string {
	return map[string]string{"app.fcgi": perlApp(before, inside)}
}

func flaskFiles(body string) map[string]string {
	return map[string]string{"app.py": "from flask import Flask\napp = application = Flask(__name__)\n" + body}
}

// Where programs listen that should not, and no other test does.
var (
	ownHost, ownPort, _ = net.SplitHostPort(ownAddress())
	_, otherPort, _     = net.SplitHostPort(ownAddress())
	_, thirdPort, _     = net.SplitHostPort(ownAddress())
)

var uwsgiFlask = []string{"/usr/bin/uwsgi-core", "--plugin", "python3", "--protocol", "fastcgi", "--module", "app", "--need-app", "--buffer-size", "32768", "--disable-logging"}

func chmod(name string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, folder string) {
		t.Helper()
		if err := os.Chmod(filepath.Join(folder, name), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func mustRun(t *testing.T, folder string, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = folder
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, output)
	}
}

// foreignProgram is a C worker that says it is for another processor.
func foreignProgram(t *testing.T, folder string) {
	t.Helper()
	program, err := os.ReadFile(filepath.Join(workers, "worker-c"))
	if err == nil {
		const machine, s390 = 18, 22 // e_machine of elf(5), EM_S390
		program[machine], program[machine+1] = s390, 0
		err = os.WriteFile(filepath.Join(folder, "app.fcgi"), program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func noexec(t *testing.T, folder string) {
	t.Helper()
	mustRun(t, folder, "mount", "-t", "tmpfs", "-o", "noexec,mode=755", "none", folder)
	t.Cleanup(func() { mustRun(t, "/", "umount", folder) })
	if err := os.WriteFile(filepath.Join(folder, "app.fcgi"), []byte(perlApp("", perlAnswer)), 0o755); err != nil {
		t.Fatal(err)
	}
}

// withoutLibrary links a program with a library that is then taken away.
func withoutLibrary(t *testing.T, folder string) {
	t.Helper()
	mustRun(t, folder, "sh", "-c", `echo 'int gone(void) { return 0; }' > gone.c && echo 'int gone(void); int main(void) { return gone(); }' > main.c &&
gcc -shared -fPIC -o libgone.so.1 gone.c && gcc -o app.fcgi main.c ./libgone.so.1 && rm libgone.so.1`)
}

// virtualenv has a module that the system's Python has not.
var virtualenv = map[string]string{
	"app.fcgi":        "#!/usr/bin/python3\nimport onlyinvenv\n",
	"venv/pyvenv.cfg": "home = /usr/bin\n",
	"venv/lib/python3.11/site-packages/onlyinvenv.py": "",
}

var brokenDeployments = []deployment{
	// The four of every introduction to FastCGI.
	{name: "python module not found", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nfrom yourapplication import app\n"},
		cause: `exit code 1.*Python does not find the module yourapplication.*for the interpreter`},
	{name: "relative path", files: map[string]string{"app.fcgi": perlApp(`open(my $f, '<', 'settings.ini') or die "open settings.ini: $!";`, perlAnswer), "settings.ini": "x"},
		keys: `directory = "/"`, cause: `works with \$D as its working directory, and not with /: it opens files by relative paths; try: directory = "\$D"`},
	{name: "variable of the shell", files: perlFiles(`die "cannot open the database" unless $ENV{BLOG_DATABASE};`, perlAnswer),
		shell: []string{"BLOG_DATABASE=/var/db"}, cause: `works with BLOG_DATABASE as it is in your shell.*environment = \{ BLOG_DATABASE`},
	{name: "another interpreter", files: virtualenv, cause: `does not find the module onlyinvenv.*not the intended one.*/usr/bin/python3 does not see.*write #!\$D/venv/bin/python`},

	// The program and the way to it.
	{name: "command missing", cause: `\$D/app.fcgi does not exist`},
	{name: "not executable", files: perlFiles("", perlAnswer), change: chmod("app.fcgi", 0o644), cause: `app.fcgi is not executable by user www-data.*chmod o\+x`},
	{name: "not readable by its interpreter", files: perlFiles("", perlAnswer), change: chmod("app.fcgi", 0o711), cause: `(?i)may not use|permission denied`},
	{name: "folder not searchable", files: perlFiles("", perlAnswer), change: chmod(".", 0o700), cause: `\$D is not searchable by user www-data.*chmod o\+x \$D`},
	{name: "folder above not searchable", files: perlFiles("", perlAnswer), change: chmod("..", 0o750), cause: `/site is not searchable by user www-data`},
	{name: "command is a folder", files: map[string]string{"app.fcgi/x": ""}, cause: `app.fcgi is not a program: a folder`},
	{name: "dangling link", change: func(t *testing.T, folder string) { mustRun(t, folder, "ln", "-s", "releases/7/app.fcgi", "app.fcgi") },
		cause: `\$D/releases does not exist \(on the way to \$D/app.fcgi\)`},
	{name: "access list", files: perlFiles("", perlAnswer), change: func(t *testing.T, folder string) { mustRun(t, folder, "setfacl", "-m", "u:www-data:---", ".") },
		cause: `\$D is not searchable by user www-data: its access control list does not allow it.*setfacl -m u:www-data:rx`},
	{name: "no interpreter", files: map[string]string{"app.fcgi": "#!/usr/bin/python2.7\n"}, cause: `#! line of .*: /usr/bin/python2.7 does not exist`},
	{name: "CRLF", files: map[string]string{"app.fcgi": "#!/usr/bin/perl\r\nuse FCGI;\r\n"}, cause: `carriage return.*sed -i`},
	{name: "BOM before the interpreter", files: map[string]string{"app.fcgi": "\xef\xbb\xbf#!/usr/bin/perl\n"}, cause: `byte order mark before its #! line`},
	{name: "no first line", files: map[string]string{"app.fcgi": "use FCGI;\n"}, cause: `does not begin with #!`},
	{name: "empty program", files: map[string]string{"app.fcgi": ""}, cause: `app.fcgi is empty`},
	{name: "env finds nothing", files: map[string]string{"app.fcgi": "#!/usr/bin/env python9\n"}, cause: `python9 is not in the worker's PATH`},
	{name: "noexec", change: noexec, cause: `is on a file system mounted noexec`},
	{name: "another processor", change: foreignProgram, cause: `for another processor \(s390\)`},
	{name: "shared library", change: withoutLibrary, cause: `the shared library \S*libgone.so.1 is not there`},
	{name: "no directory", files: perlFiles("", perlAnswer), keys: `directory = "$D/data"`, cause: `\$D/data does not exist`},
	{name: "directory not searchable", files: map[string]string{"app.fcgi": perlApp("", perlAnswer), "data/x": ""}, keys: `directory = "$D/data"`,
		change: chmod("data", 0o700), cause: `data is not searchable by user www-data`},
	{name: "no such user", files: perlFiles("", perlAnswer), user: "nosuchuser", cause: `user "nosuchuser" does not exist`},
	{name: "no environment file", files: perlFiles("", perlAnswer), keys: `environment_file = "$D/env"`, cause: `environment_file \$D/env: no such file`},
	{name: "no folder for the socket", files: perlFiles("", perlAnswer), listen: "unix:$D/nowhere/app.sock",
		cause: `the socket cannot be made: .*/nowhere does not exist`},

	// It ends before it is ready.
	{name: "python variable", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nimport os\nkey = os.environ['BLOG_SECRET']\n"},
		shell: []string{"BLOG_SECRET=x"}, cause: `it needs the environment variable BLOG_SECRET.*it is set in your shell`},
	{name: "ruby variable", files: map[string]string{"app.fcgi": "#!/usr/bin/ruby\nENV.fetch('BLOG_SECRET')\n"}, cause: `it needs the environment variable BLOG_SECRET`},
	{name: "shell variable", files: map[string]string{"app.fcgi": "#!/bin/sh\nset -u\necho $BLOG_ROOT\n"}, cause: `it needs the environment variable BLOG_ROOT`},
	{name: "perl module", files: map[string]string{"app.fcgi": "#!/usr/bin/perl\nuse Catalyst::Nowhere;\n"}, cause: `Perl does not find the module Catalyst/Nowhere.pm`},
	{name: "ruby gem", files: map[string]string{"app.fcgi": "#!/usr/bin/ruby\nrequire 'sinatra_nowhere'\n"}, cause: `Ruby does not find sinatra_nowhere`},
	{name: "node module", files: map[string]string{"app.fcgi": "#!/usr/bin/node\nrequire('express-nowhere')\n"}, cause: `Node does not find the module express-nowhere`},
	{name: "module in the folder", files: map[string]string{"bin/app.fcgi": "#!/usr/bin/python3\nimport blogmodule\n", "blogmodule.py": ""},
		command: []string{"$D/bin/app.fcgi"}, cause: `module blogmodule.*it is in \$D: environment = \{ PYTHONPATH`},
	{name: "python syntax", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\ndef broken(:\n"}, cause: `its source has a mistake: SyntaxError`},
	{name: "python 2", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nprint 'hello'\n"}, cause: `written for Python 2 and read by Python 3`},
	{name: "perl syntax", files: map[string]string{"app.fcgi": "#!/usr/bin/perl\nmy $x = ;\n"}, cause: `its source has a mistake: syntax error at`},
	{name: "traceback", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nraise RuntimeError('no licence')\n"}, cause: `Python ends with RuntimeError: no licence`},
	{name: "go panic", command: []string{"$D/app.fcgi"}, files: map[string]string{"app.fcgi": "#!/bin/sh\necho 'panic: runtime error: index out of range [1] with length 0' >&2\nexit 2\n"},
		cause: `Go program ends with panic: runtime error`},
	{name: "hidden relative path", files: map[string]string{"app.fcgi": perlApp(`die "bad configuration\n" unless -e "conf/site.conf";`, perlAnswer), "conf/site.conf": ""},
		keys: `directory = "/srv"`, cause: `works with \$D as its working directory`},
	{name: "own file not readable", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nopen('$D/secret.ini')\n", "secret.ini": ""}, change: chmod("secret.ini", 0o600),
		cause: `its user may not use \$D/secret.ini`},
	{name: "file missing", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nopen('$D/missing.ini')\n"}, cause: `does not find the file \$D/missing.ini`},
	{name: "program not in PATH", files: map[string]string{"app.fcgi": "#!/bin/sh\nexec nosuchserver --fcgi\n"}, cause: `the program nosuchserver is not in the worker's PATH`},
	{name: "database down", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nimport socket\nsocket.create_connection(('127.0.0.1', 1))\n"},
		cause: `a service that it needs does not answer.*refused`},
	{name: "memory limit", files: map[string]string{"app.fcgi": "#!/bin/sh\nulimit -v 200000\nexec /usr/bin/python3 -c 'x = bytearray(1 << 30)'\n"}, cause: `runs out of memory: MemoryError`},
	{name: "file limit", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nfiles = [open('/dev/null') for _ in range(100)]\n"}, keys: "[pool.app.limits]\nnofile = 32",
		cause: `runs out of file descriptors.*nofile`},
	{name: "crash at the start", files: map[string]string{"app.fcgi": "#!/usr/bin/perl\nkill 'SEGV', $$;\nsleep 5;\n"}, cause: `crashes before it waits.*SIGSEGV`},
	{name: "ends without a word", command: []string{"/bin/true"}, cause: `exit code 0 and without a word`},
	{name: "fails without a word", files: map[string]string{"app.fcgi": "#!/bin/sh\nexit 7\n"}, cause: `exit code 7.* without a word`},
	{name: "CGI program", files: map[string]string{"app.fcgi": "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nhello\\n'\n"}, cause: `is a CGI program.*fcgiwrap`},
	{name: "daemon", command: []string{"/usr/bin/setsid", "--fork", "/bin/sleep", "1000"}, cause: `makes itself a daemon.*foreground`},
	{name: "uwsgi without an application", files: map[string]string{"app.py": "nothing = 1\n"}, command: uwsgiFlask, keys: `directory = "$D"`, cause: `uWSGI does not find the application`},
	{name: "interpreter of the shell", files: map[string]string{"app.fcgi": strings.Replace(perlApp("use OnlyHere;", perlAnswer), "#!/usr/bin/perl", "#!/usr/bin/env perl", 1),
		"bin/perl": "#!/bin/sh\nexec /usr/bin/perl -I $D/lib \"$@\"\n", "lib/OnlyHere.pm": "package OnlyHere; 1;\n"},
		shell: []string{"PATH=$D/bin:/usr/bin:/bin"}, cause: `works with the PATH of your shell.*\$D/bin/perl, and /usr/bin/perl for the workers`},

	// Habits from elsewhere.
	{name: "relative PYTHONPATH", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nimport blogmodule\n", "lib/blogmodule.py": ""},
		keys: "directory = \"/srv\"\nenvironment = { PYTHONPATH = \"lib\" }", cause: `module blogmodule.*PYTHONPATH=lib is relative, and counts from the working directory /srv`},
	{name: "sudo", files: map[string]string{"app.fcgi": "#!/bin/sh\nPATH=$D/bin:$PATH\nexec sudo perl x.pl\n", "bin/sudo": "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n"},
		cause: `it calls sudo, which refuses.*user in the pool`},
	{name: "locale", files: map[string]string{"app.fcgi": "#!/usr/bin/ruby\nFile.read('$D/text').split(' ')\n", "text": "caf\xc3\xa9 x"}, keys: `environment = { LANG = "C" }`,
		cause: `outside ASCII.*LANG = "C.UTF-8"`},
	{name: "node of Debian", files: map[string]string{"app.js": "require('node-fastcgi').createServer(() => {}).listen()\n"}, command: []string{"/usr/bin/node", "$D/app.js"},
		keys: `environment = { NODE_PATH = "" }`, cause: `module node-fastcgi.*it is in /usr/share/nodejs: environment = \{ NODE_PATH`},
	{name: "node speaks HTTP", files: map[string]string{"app.js": "require('http').createServer(() => {}).listen()\n"}, command: []string{"/usr/bin/node", "$D/app.js"},
		cause: `node starts a server of its own on tcp:`},
	{name: "plackup speaks HTTP", files: map[string]string{"app.psgi": "sub { [200, [], []] }\n"}, command: []string{"/usr/bin/plackup", "--host", ownHost, "--port", thirdPort, "$D/app.psgi"},
		cause: `plackup starts a server of its own.*"-s", "FCGI"`},
	{name: "links in a circle", change: func(t *testing.T, folder string) { mustRun(t, folder, "ln", "-s", "app.fcgi", "app.fcgi") }, cause: `leads through too many symbolic links`},
	{name: "words in a log of its own", files: map[string]string{"app.fcgi": "#!/bin/sh\nexec >>$D/log/app.log 2>&1\necho starting\necho cannot reach the licence server\nexit 3\n", "log/app.log": "old\n"},
		change: chmod("log/app.log", 0o666), cause: `in \$D/log/app.log: its last words: cannot reach the licence server`},
	{name: "command in one string", files: perlFiles("", perlAnswer), command: []string{"/usr/bin/perl $D/app.fcgi"}, cause: `does not exist.*each word is a string of its own: command = \["/usr/bin/perl" "`},
	{name: "variable in the command", files: perlFiles("", perlAnswer), command: []string{"/usr/bin/perl", "$HOME/app.fcgi"}, cause: `words that only a shell would understand`},
	{name: "env with an option", files: map[string]string{"app.fcgi": "#!/usr/bin/env perl -w\nuse FCGI;\n"}, cause: `env is asked for a program called "perl -w"; write env -S`},
	{name: "WSGI file", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\ndef application(environ, start_response):\n    pass\n"}, cause: `defines a WSGI application and serves nobody.*uWSGI`},
	{name: "PHP of the command line", files: map[string]string{"bin/php8.2": "#!/bin/sh\necho hello\n"}, command: []string{"$D/bin/php8.2", "index.php"}, cause: `PHP for the command line.*php-cgi`},
	{name: "php-fpm", files: map[string]string{"bin/php-fpm8.2": "#!/bin/sh\necho 'ERROR: unable to bind listening socket' >&2\nexit 78\n"}, command: []string{"$D/bin/php-fpm8.2", "-F"},
		cause: `php-fpm8.2 is a process manager of its own.*php-cgi`},
	{name: "a question at the start", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nname = input('Which database? ')\n"}, cause: `asks a question on standard input`},
	{name: "SQLite", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nimport sqlite3\nsqlite3.connect('$D/app.db').execute('create table x (y)')\n"}, cause: `SQLite says: unable to open.*database's folder`},
	{name: "pid file", files: map[string]string{"app.fcgi": "#!/usr/bin/perl\nopen(my $f, '>', '/run/app.pid') or die \"Cannot write pid file: $!\";\n"}, cause: `refused to its user: Cannot write pid file.*needs no pid file`},
	{name: "lua module", files: map[string]string{"app.fcgi": "#!/bin/sh\necho \"lua: module 'wsapi.fastcgi' not found:\" >&2\nexit 1\n"}, cause: `Lua does not find the module wsapi.fastcgi`},
	{name: "PHP class", files: map[string]string{"index.php": "<?php new Blog\\Nowhere();\n"}, command: []string{"/usr/bin/php-cgi"}, keys: `directory = "$D"`, cause: `PHP does not find Blog`},
	{name: "newer system", files: map[string]string{"app.fcgi": "#!/bin/sh\necho \"./app: /lib/x86_64-linux-gnu/libc.so.6: version \\`GLIBC_2.99' not found (required by ./app)\" >&2\nexit 1\n"},
		cause: `built for a newer system: its libraries have no version GLIBC_2.99`},

	// It lives, and serves something else.
	{name: "hangs", files: map[string]string{"app.fcgi": "#!/bin/sh\nexec sleep 1000\n"}, args: []string{"--timeout", "2s"}, cause: `has not waited for a connection on descriptor 0 within 2s: it sleeps`},
	{name: "bindAddress", files: map[string]string{"app.fcgi": "#!/usr/bin/perl\nuse FCGI;\nmy $s = FCGI::OpenSocket('/tmp/doctor-own-$$.sock', 5);\nunlink '/tmp/doctor-own-$$.sock';\n" +
		"my $r = FCGI::Request(\\*STDIN, \\*STDOUT, \\*STDERR, \\%ENV, $s);\nwhile ($r->Accept() >= 0) { print \"Content-Type: text/plain\\r\\n\\r\\n\"; }\n"},
		cause: `makes a socket of its own, unix:.*instead of taking connections from descriptor 0.*bindAddress`},
	{name: "app.run", files: flaskFiles(fmt.Sprintf("app.run(host=%q, port=%s)\n", ownHost, ownPort)), command: uwsgiFlask, keys: `directory = "$D"`,
		cause: `starts a server of its own on tcp:` + ownHost + `:` + ownPort + `.*app.run\(\)`},
	{name: "HTTP server", files: map[string]string{"app.fcgi": "#!/bin/sh\nexec /usr/bin/python3 -m http.server --bind " + ownHost + " " + otherPort + "\n"},
		cause: `starts a server of its own on tcp:` + ownHost + `:` + otherPort},
	{name: "port in use", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nimport socket\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\nt = socket.socket(); t.bind(s.getsockname())\n"},
		cause: `opens a socket of its own, and that address is in use`},

	// It answers, and not as it should.
	{name: "text before the headers", files: perlFiles("", `print "debug in line 7\n"; `+perlAnswer), cause: `begins with "debug in line 7".*prints to standard output before the headers`},
	{name: "page without headers", files: perlFiles("", `print "<html>hello</html>\n";`), cause: `begins with .*<html>.*not a header line`},
	{name: "BOM before the headers", files: perlFiles("", `binmode STDOUT; print "\xef\xbb\xbf"; `+perlAnswer), cause: `byte order mark`},
	{name: "no blank line", files: perlFiles("", `print "Content-Type: text/plain\n";`), cause: `before the blank line that closes the headers`},
	{name: "no blank line before the page", files: perlFiles("", `print "Content-Type: text/html\n<html>\n";`), cause: `among the headers.*blank line`},
	{name: "HTTP status line", files: perlFiles("", `print "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";`), cause: `HTTP status line.*Status: 200 OK`},
	{name: "nothing at all", files: perlFiles("", ``), cause: `ended the request before sending headers`},
	{name: "wrong length", files: perlFiles("", `print "Content-Type: text/plain\r\nContent-Length: 100\r\n\r\nhello";`), cause: `announced Content-Length: 100 but sent 5`},
	{name: "exit in the first request", files: perlFiles("", `require POSIX; POSIX::_exit(3);`), cause: `ends in the middle of a request \(exit code 3`},
	{name: "exception in the request", files: perlFiles("", `require Catalyst::Nowhere;`), cause: `gets no proper answer.*Perl does not find the module Catalyst/Nowhere.pm`},
	{name: "crash in the request", files: perlFiles("", `kill 'SEGV', $$; sleep 1;`), cause: `middle of a request \(killed by SIGSEGV`},
	{name: "hang in the request", files: perlFiles("", `sleep 1000;`), args: []string{"--timeout", "2s"}, cause: `no whole answer within 2s: it sleeps`},
	{name: "one request only", files: map[string]string{"app.fcgi": "#!/usr/bin/perl\nuse FCGI;\nmy $r = FCGI::Request();\nif ($r->Accept() >= 0) { " + perlAnswer + " }\n"},
		cause: `ends after one request`},
	{name: "flask error", files: flaskFiles("@app.get('/')\ndef home():\n    raise ValueError('no such blog')\n"), command: uwsgiFlask, keys: `directory = "$D"`,
		cause: `status 500: Python ends with ValueError: no such blog`},
	{name: "flask template", files: flaskFiles("import flask\n@app.get('/')\ndef home():\n    return open('templates/home.html').read()\n"), command: uwsgiFlask,
		keys: `directory = "$D"`, cause: `status 500: it does not find the file templates/home.html.*relative`},
	{name: "PHP error", files: map[string]string{"index.php": "<?php nosuchfunction();\n"}, command: []string{"/usr/bin/php-cgi"}, keys: `directory = "$D"`,
		cause: `status 500: PHP ends with Fatal error: .*nosuchfunction`},
	{name: "PHP memory", files: map[string]string{"index.php": "<?php ini_set('memory_limit', '4M'); $x = str_repeat('x', 100000000);\n"}, command: []string{"/usr/bin/php-cgi"},
		keys: `directory = "$D"`, cause: `status 500: it runs out of memory: Allowed memory size`},
	{name: "PHP syntax", files: map[string]string{"index.php": "<?php echo (;\n"}, command: []string{"/usr/bin/php-cgi"}, keys: `directory = "$D"`, cause: `status 500: its source has a mistake: Parse error`},
	{name: "uwsgi protocol", files: flaskFiles("@app.get('/')\ndef home():\n    return 'hello'\n"), keys: `directory = "$D"`,
		command: []string{"/usr/bin/uwsgi-core", "--plugin", "python3", "--module", "app", "--need-app"}, cause: `uWSGI speaks its own protocol here.*"--protocol", "fastcgi"`},
	{name: "HTTP on the socket", files: map[string]string{"app.fcgi": "#!/usr/bin/python3\nimport socket\ns = socket.socket(fileno=0)\nwhile True:\n    c, _ = s.accept()\n    c.recv(9)\n" +
		"    c.sendall(b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n')\n    c.shutdown(socket.SHUT_WR)\n    c.recv(9999)\n"}, cause: `the answer is not FastCGI: it begins with "HTTP/1.1"`},
	{name: "wrong prefix", files: perlFiles("", `if ($ENV{SCRIPT_NAME} eq '/blog' && $ENV{PATH_INFO} eq '/news') { `+perlAnswer+` } else { print "Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno\n"; }`),
		args: []string{"--path", "/blog/news"}, cause: `the prefix is cut in the wrong place.*SCRIPT_NAME="/blog" PATH_INFO="/news"`},
	{name: "prefix not expected", files: perlFiles("", `if ($ENV{PATH_INFO} eq '/blog/news') { `+perlAnswer+` } else { print "Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno\n"; }`),
		args: []string{"--path", "/blog/news", "--prefix", "/blog"}, cause: `the prefix is cut in the wrong place.*SCRIPT_NAME="" PATH_INFO="/blog/news"`},
	{name: "variable in the request", files: perlFiles(`my $mode = $ENV{BLOG_MODE};`, `exit unless $mode; `+perlAnswer), shell: []string{"BLOG_MODE=live"}, cause: `works with BLOG_MODE as it is in your shell`},

	// The socket, without a supervisor.
	{name: "stale socket", files: perlFiles("", perlAnswer), change: func(t *testing.T, folder string) { staleSocket(t, filepath.Join(folder, "../../app.sock")) }, cause: `stale socket: nobody listens`},
	{name: "a file in its place", files: perlFiles("", perlAnswer), change: func(t *testing.T, folder string) { mustRun(t, folder, "touch", "../../app.sock") }, cause: `app.sock exists and is not a socket`},
	{name: "somebody else listens", files: perlFiles("", perlAnswer), change: func(t *testing.T, folder string) { listenAt(t, filepath.Join(folder, "../../app.sock")) },
		cause: fmt.Sprintf(`somebody else listens on unix:.*pid %d `, os.Getpid())},
	{name: "not running", files: perlFiles("", perlAnswer), cause: `nobody listens on .*the supervisor is not running.*fcgi-supervisor run`},
}
