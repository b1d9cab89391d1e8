package e2e

// Which pages are run, and what their readers have; no page may be forgotten.

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// elsewhere says what runs the commands of the other pages.
var elsewhere = map[string]string{
	"alerts.md":               "metrics (the rules), TestStatus: its commands are those of other pages",
	"cherokee.md":             "nothing, as the page says: Cherokee is not in Debian 12",
	"install-as-a-service.md": "internal/boottest",
	"logs.md":                 "internal/boottest (USR1), internal/logs",
	"monitoring.md":           "TestPrometheus, TestPage, internal/web",
	"packages.md":             "internal/boottest (TestPackage)",
	"replace-screen.md":       "internal/boottest",
	"upgrade.md":              "TestUpgradesLoseNothing and its neighbours",
}

func TestEveryPageIsRun(t *testing.T) {
	for _, pattern := range []string{"../../docs/how-to/*.md", "../../docs/tutorial/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range found {
			name := strings.TrimPrefix(path, "../../")
			run := slices.ContainsFunc(guides, func(g guide) bool { return g.name == name })
			if other := elsewhere[filepath.Base(path)]; run == (other != "") {
				t.Errorf("%s is run here: %v, elsewhere: %q", name, run, other)
			}
		}
	}
}

const aBlog = `
install -d /srv/blog/public
cat >/srv/blog/blog.fcgi <<'END'
#!/usr/bin/perl
use FCGI;
my $request = FCGI::Request();
while ($request->Accept() >= 0) { print "Content-Type: text/plain\r\n\r\nblog at $ENV{PATH_INFO}\n" }
END
chmod +x /srv/blog/blog.fcgi
useradd --no-create-home blog
cat >/etc/fcgi-supervisor/conf.d/blog.toml <<'END'
[pool.blog]
command = ["/srv/blog/blog.fcgi"]
listen = "unix:/run/fcgi-supervisor/blog.sock"
END
`

const asksTheBlog = `start run; curl -sSf --retry 20 --retry-delay 1 --retry-all-errors http://blog.example.org/a | grep -x "blog at /a"`

const aFlask = `
install -d /srv/hello
printf 'from flask import Flask\napp = Flask(__name__)\n\n\n@app.get("/")\ndef hello():\n    return "hello"\n' >/srv/hello/app.py
`

const aPHP = `
install -d /srv/php
echo '<?php echo "Hello from PHP, process ", getmypid(), "\n";' >/srv/php/index.php
`

// flup is not in Debian 12, as its page says.
var flup = []string{"from flup", "[pool.hello]\ncommand = [\"/srv/hello/venv"}

const thePools = "/etc/fcgi-supervisor/conf.d/page.toml"

const theirPools = `
cat >` + thePools + ` <<'END'
[pool.hello]
command = ["/usr/bin/uwsgi-core", "--plugin", "python3", "--protocol", "fastcgi", "--module", "app:app", "--need-app", "--buffer-size", "32768"]
directory = "/srv/hello"
listen = "unix:/run/fcgi-supervisor/hello.sock"
user = "www-data"
[pool.php]
command = ["/usr/bin/php-cgi"]
directory = "/srv/php"
listen = "unix:/run/fcgi-supervisor/php.sock"
user = "www-data"
END
`

var guides = []guide{
	{name: "README.md", words: []string{"kill -9 PID", "kill -9 $(pgrep -f app:app | head -1)"}, apart: []string{"make ", "apt-get install -y nginx curl"},
		before: "apt-get install -y nginx curl uwsgi-core uwsgi-plugin-python3 python3-flask php-cgi\ninstall -d /srv/hello /srv/php"},
	{name: "docs/tutorial/first-pool.md", fails: []string{"fcgi-supervisor reload hello"}, files: map[string]string{"[supervisor]": "/home/you/first/fcgi-supervisor.toml"},
		first: map[string]string{"fcgi-supervisor reload hello": `sed -i '/^while/i die "out of coffee\\n";' hello.fcgi`}},

	{name: "docs/how-to/c.md", before: `install -d /srv/c /srv/cgi
		printf '#!/bin/sh\necho Content-Type: text/plain; echo; echo CGI\n' >/srv/cgi/hello.cgi
		chmod +x /srv/cgi/hello.cgi`},
	{name: "docs/how-to/flask.md", before: aFlask, apart: flup, after: "fcgi-supervisor request hello / | grep hello"},
	{name: "docs/how-to/django.md", files: map[string]string{"LOGGING": "+/srv/mysite/mysite/settings.py"},
		after: `
			sed -i 's/return HttpResponse/return nosuchname/' /srv/mysite/mysite/urls.py
			fcgi-supervisor reload mysite && exit 1
			fcgi-supervisor doctor mysite | tee /dev/stderr | head -1 | grep "status 500: Python ends with NameError: name 'nosuchname'"`},
	{name: "docs/how-to/go.md", before: "install -d /srv/go /srv/source; cd /srv/source; go mod init hello"},
	{name: "docs/how-to/node.md"},
	{name: "docs/how-to/perl.md"},
	{name: "docs/how-to/php.md", before: aPHP},
	{name: "docs/how-to/ruby.md"},

	{name: "docs/how-to/nginx.md", before: aBlog + aFlask + aPHP + theirPools,
		files: map[string]string{"server {": "/etc/nginx/conf.d/page.conf", "location ~ ^/app": "/etc/nginx/parts/app.conf", "root /srv/php": "/etc/nginx/parts/php.conf",
			"upstream hello {\n    server unix:/run/fcgi-supervisor/hello.sock;\n    server": "/etc/nginx/conf.d/upstream.conf",
			"upstream hello {\n    server unix:/run/fcgi-supervisor/hello.sock;\n    keep":   "/etc/nginx/keep.conf"},
		after: asksTheBlog + `
			echo "server { listen 8081; include parts/*.conf; }" >/etc/nginx/conf.d/parts.conf
			echo "server { listen 8082; location / { fastcgi_pass hello; fastcgi_param SCRIPT_NAME ''; fastcgi_param PATH_INFO /; include fcgi_app_params; } }" >/etc/nginx/conf.d/again.conf
			nginx -t; nginx -s quit; while [ -e /run/nginx.pid ]; do sleep 0.1; done; nginx
			curl -sSf http://localhost:8080/ http://localhost:8081/app/ http://localhost:8082/ | grep -x "hellohellohello"
			curl -sSf http://localhost:8081/index.php | grep "Hello from PHP"
			echo "events {} http { include keep.conf; }" >/etc/nginx/keeping.conf; nginx -t -c /etc/nginx/keeping.conf`},
	{name: "docs/how-to/apache.md", before: aBlog, after: asksTheBlog},
	{name: "docs/how-to/lighttpd.md", before: aBlog + `echo 'listen_group = "www-data"' >>/etc/fcgi-supervisor/conf.d/blog.toml`, after: asksTheBlog},
	{name: "docs/how-to/caddy.md", before: aBlog, after: asksTheBlog},
	{name: "docs/how-to/haproxy.md", before: aBlog + `sed -i 's/^listen = .*/listen = "tcp:127.0.0.1:9000"/' /etc/fcgi-supervisor/conf.d/blog.toml`,
		apart: []string{"[pool.blog]\nlisten ="}, after: asksTheBlog},
	{name: "docs/how-to/h2o.md", before: aBlog, after: asksTheBlog},
	{name: "docs/how-to/started-by-apache-or-lighttpd.md", before: aBlog + "install -D /srv/blog/blog.fcgi /srv/hello/hello.fcgi", apart: []string{"spawn-fcgi"}},

	{name: "docs/how-to/develop.md", before: aBlog + aFlask + "cd /srv/hello; mkdir static; ln -s /srv/blog/blog.fcgi app.fcgi"},
	{name: "docs/how-to/probe.md", before: aFlask + aPHP + theirPools,
		files: map[string]string{"@app.get": "+/srv/hello/app.py", "[pool.hello.probe]": "+" + thePools, "[pool.php.probe]": "+" + thePools},
		first: map[string]string{"fcgi-supervisor request": "touch /srv/php/settings.ini"}},

	{name: "docs/how-to/crash-loop.md", before: aBlog + aBrokenPool, first: map[string]string{"fcgi-supervisor start broken": "cp /srv/blog/blog.fcgi /srv/broken.fcgi"}},
	{name: "docs/how-to/moving-in.md", before: aBlog + theirConfigurations, words: []string{"POOL", "blog"}},
	{name: "docs/how-to/scale-and-restart.md", before: aFlask + aPHP + theirPools},
	{name: "docs/how-to/zero-downtime-deploy.md", before: aFlask + someReleases, files: map[string]string{"#!/bin/sh": "/usr/local/bin/deploy"},
		apart: []string{"[pool.blog.probe]", "fastcgi_param SCRIPT_FILENAME"}, after: "cd /; deploy 2; fcgi-supervisor request blog / | grep hello"},
	{name: "docs/how-to/reload-on-change.md", before: aBlog + "for release in 7 8; do install -D /srv/blog/blog.fcgi /srv/blog/releases/$release/blog.fcgi; done; ln -s releases/7 /srv/blog/current",
		files: map[string]string{"[pool.blog]": "/etc/fcgi-supervisor/conf.d/blog.toml"}, apart: []string{"[pool.blog.watch]\npaths = [\"reload.txt\"]"},
		after: `fcgi-supervisor events blog | grep -i reload`},
	{name: "docs/how-to/premature-end-of-script-headers.md", before: virtualEnvironment, fails: []string{"fcgi-supervisor doctor blog", "fcgi-supervisor doctor --user"}},
}

// What the readers of moving-in.md come from.
const theirConfigurations = `
install -d /etc/supervisor /etc/php/8.2/fpm /etc/lighttpd /etc/apache2
printf '[fcgi-program:app]\ncommand=/srv/blog/blog.fcgi\nsocket=unix:///run/app.sock\n' >/etc/supervisor/supervisord.conf
printf '[www]\nuser = www-data\nlisten = /run/php.sock\npm.max_children = 3\n' >/etc/php/8.2/fpm/php-fpm.conf
install -D /srv/blog/blog.fcgi /srv/app/app.fcgi
printf 'fastcgi.server = ( "/" => (( "socket" => "/run/app.sock", "bin-path" => "/srv/app/app.fcgi" )) )\n' >>/etc/lighttpd/lighttpd.conf
printf 'FastCgiServer /srv/app/app.fcgi -processes 5 -socket /run/app.sock\n' >>/etc/apache2/apache2.conf
`

const aBrokenPool = `
broken=yes
install -D /srv/blog/blog.fcgi /srv/perl/hello.fcgi
printf '#!/bin/sh\necho Cannot connect to the database\nexit 1\n' >/srv/broken.fcgi
chmod +x /srv/broken.fcgi
cat >/etc/fcgi-supervisor/conf.d/two.toml <<'END'
[pool.hello]
command = ["/srv/perl/hello.fcgi"]
listen = "unix:/run/fcgi-supervisor/hello.sock"
[pool.broken]
command = ["/srv/broken.fcgi"]
listen = "unix:/run/fcgi-supervisor/broken.sock"
END
rm /etc/fcgi-supervisor/conf.d/blog.toml
`

const someReleases = `
for release in 1 2; do install -D /srv/hello/app.py /srv/blog/releases/$release/app.py; done
ln -s releases/1 /srv/blog/current
`

const virtualEnvironment = `
install -d /srv/blog
/usr/bin/python3 -m venv --without-pip /srv/blog/venv
touch /srv/blog/venv/lib/python3.11/site-packages/onlyinvenv.py
printf '#!/usr/bin/python3\nimport onlyinvenv\n' >/srv/blog/app.fcgi
chmod +x /srv/blog/app.fcgi
printf '[pool.blog]\ncommand = ["/srv/blog/app.fcgi"]\nlisten = "unix:/run/fcgi-supervisor/blog.sock"\nuser = "www-data"\n' >/etc/fcgi-supervisor/conf.d/blog.toml
`
