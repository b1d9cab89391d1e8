package e2e

// Real web servers, started from what `webconf` prints and from nothing else but
// what a distribution's own configuration has around it. Nothing is tested here.

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// webServer knows how one web server takes a configuration of ours.
type webServer struct {
	name, title string
	// main is the configuration around ours, in a folder of the test; @SITE@ is the
	// file that webconf wrote. Empty: ours is all there is.
	main string
	// ours replaces what in ours is for a whole machine, which the test does not own.
	ours []string
	// check and run are the commands, with @MAIN@ for the file to give them.
	check, run []string
	refused    string // what cannot be in the name of a folder
	ordinary   bool   // it does not change users by itself, so it is started as www-data
}

func webServers() []webServer {
	return []webServer{
		{name: "nginx", title: "nginx", main: nginxMain, refused: "$",
			check: []string{"nginx", "-t", "-p", "@FOLDER@", "-e", "@FOLDER@/error.log", "-c", "@MAIN@"},
			run:   []string{"nginx", "-p", "@FOLDER@", "-e", "@FOLDER@/error.log", "-c", "@MAIN@"}},
		{name: "apache", title: "Apache", main: apacheMain, refused: "$*?[]",
			check: []string{"apache2", "-t", "-f", "@MAIN@"},
			run:   []string{"apache2", "-DFOREGROUND", "-f", "@MAIN@"}},
		{name: "lighttpd", title: "lighttpd", main: lighttpdMain, refused: `\`,
			check: []string{"lighttpd", "-tt", "-f", "@MAIN@"},
			run:   []string{"lighttpd", "-D", "-f", "@MAIN@"}},
		{name: "caddy", title: "Caddy", refused: `{}\*?[]`, ordinary: true, main: "{\n\tadmin off\n\tstorage file_system @FOLDER@/caddy\n}\nimport @SITE@\n",
			check: []string{"caddy", "validate", "--adapter", "caddyfile", "--config", "@MAIN@"},
			run:   []string{"caddy", "run", "--adapter", "caddyfile", "--config", "@MAIN@"}},
		{name: "haproxy", title: "HAProxy",
			main:  "global\n    user www-data\n    group www-data\n    log stderr local0 info\ndefaults\n    log global\n",
			check: []string{"haproxy", "-c", "-f", "@MAIN@", "-f", "@SITE@"},
			run:   []string{"haproxy", "-db", "-f", "@MAIN@", "-f", "@SITE@"}},
		{name: "h2o", title: "h2o",
			ours: []string{"user: debian-h2o", "user: www-data\nnum-threads: 1", "/run/h2o.pid", "@FOLDER@/h2o.pid",
				"/var/log/h2o/error.log", "/dev/stderr"},
			check: []string{"h2o", "-t", "-c", "@SITE@"},
			run:   []string{"h2o", "-c", "@SITE@"}},
	}
}

const nginxMain = `daemon off;
user www-data;
pid @FOLDER@/nginx.pid;
worker_processes 1;
events {}
http {
    access_log off;
    include /etc/nginx/mime.types;
    client_body_temp_path @FOLDER@/body;
    fastcgi_temp_path @FOLDER@/fastcgi;
    proxy_temp_path @FOLDER@/proxy;
    scgi_temp_path @FOLDER@/scgi;
    uwsgi_temp_path @FOLDER@/uwsgi;
    include @SITE@;
}
`

// apacheMain has the modules that Debian switches on, and those that the head of
// our file says to switch on.
const apacheMain = `ServerRoot @FOLDER@
ServerName localhost
PidFile @FOLDER@/apache.pid
ErrorLog /dev/stderr
DefaultRuntimeDir @FOLDER@
User www-data
Group www-data
StartServers 1
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_host_module /usr/lib/apache2/modules/mod_authz_host.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule setenvif_module /usr/lib/apache2/modules/mod_setenvif.so
LoadModule env_module /usr/lib/apache2/modules/mod_env.so
LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
TypesConfig /etc/mime.types
<Directory />
    AllowOverride None
    Require all denied
</Directory>
Include @SITE@
`

// lighttpdMain has Debian's settings that touch a path.
const lighttpdMain = `server.modules = ( "mod_indexfile", "mod_access", "mod_alias", "mod_redirect" )
server.document-root = "@FOLDER@/html"
server.username = "www-data"
server.groupname = "www-data"
server.upload-dirs = ( "@FOLDER@" )
server.bind = "@FOLDER@/unused.sock"
server.http-parseopts = (
  "header-strict"           => "enable",
  "host-strict"             => "enable",
  "host-normalize"          => "enable",
  "url-normalize-unreserved"=> "enable",
  "url-normalize-required"  => "enable",
  "url-ctrls-reject"        => "enable",
  "url-path-2f-decode"      => "enable",
  "url-path-dotseg-remove"  => "enable",
)
index-file.names = ( "index.php", "index.html" )
url.access-deny = ( "~", ".inc" )
static-file.exclude-extensions = ( ".php", ".pl", ".fcgi" )
mimetype.assign = ( ".css" => "text/css", ".txt" => "text/plain", "" => "application/octet-stream" )
include "@SITE@"
`

// webSite is a web server that runs, and where to reach it.
type webSite struct {
	t       *testing.T
	address string // HOST:PORT
	host    string // what clients ask for, without the port
	log     string // file with what the server says
}

// startSite has webconf write a configuration, asks the server whether it is good,
// and starts it. flags are those of webconf but for --http.
func startSite(t *testing.T, w webServer, flags ...string) *webSite {
	t.Helper()
	s := &webSite{t: t, address: ownAddress(), host: "localhost"}
	folder := publicFolder(t)
	s.log = filepath.Join(folder, "log")
	giveTo(t, "www-data", folder)
	s.launch(s.write(w, folder, append([]string{"--http", s.address}, flags...)))
	return s
}

// write has webconf write a configuration, and the server check it. It returns the
// command that starts the server.
func (s *webSite) write(w webServer, folder string, flags []string) *exec.Cmd {
	s.t.Helper()
	o := runCommand(binary, append([]string{"webconf", w.name}, flags...)...)
	if o.code != 0 || o.stderr != "" {
		s.t.Fatalf("webconf %s: exit %d\n%s", w.name, o.code, o.stderr)
	}
	paths := strings.NewReplacer("@FOLDER@", folder, "@SITE@", filepath.Join(folder, "site.conf"), "@MAIN@", filepath.Join(folder, "main.conf"))
	ours := paths.Replace(strings.NewReplacer(w.ours...).Replace(o.stdout))
	if script := luaIn(ours); script != "" {
		path := filepath.Join(folder, "app.lua")
		ours = strings.ReplaceAll(ours, "/etc/lighttpd/app.lua", path)
		if err := os.WriteFile(path, []byte(script), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"site.conf": ours, "main.conf": paths.Replace(w.main)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	if output, err := s.command(w, paths, folder, w.check).CombinedOutput(); err != nil {
		s.t.Fatalf("%s does not accept what webconf wrote: %v\n%s\n%s", w.name, err, output, ours)
	}
	return s.command(w, paths, folder, w.run)
}

// luaIn is the script that a configuration for lighttpd has in its comments.
func luaIn(text string) string {
	var script strings.Builder
	for line := range strings.Lines(text) {
		if code, found := strings.CutPrefix(line, "#|"); found {
			script.WriteString(strings.TrimPrefix(code, " "))
		}
	}
	return script.String()
}

func (s *webSite) command(w webServer, paths *strings.Replacer, folder string, argv []string) *exec.Cmd {
	filled := make([]string, len(argv))
	for i, word := range argv {
		filled[i] = paths.Replace(word)
	}
	cmd := exec.Command(filled[0], filled[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+folder)
	if w.ordinary {
		uid, gid := ids(s.t, "www-data")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	return cmd
}

// launch runs the server until the test ends, and waits until it listens.
func (s *webSite) launch(cmd *exec.Cmd) {
	s.t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	s.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			cmd.Process.Kill()
			<-ended
			s.t.Errorf("%s did not end within %v of SIGTERM", cmd.Path, patience)
		}
		if s.t.Failed() {
			s.t.Logf("%s:\n%s", cmd.Path, lastBytes(s.log, 4000))
		}
	})
	eventually(s.t, func() error {
		select {
		case <-ended:
			s.t.Fatalf("%s has ended: %v", cmd.Path, cmd.ProcessState)
		default:
		}
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// authority is what a client puts into Host.
func (s *webSite) authority() string {
	_, port, _ := net.SplitHostPort(s.address)
	return fmt.Sprintf("%s:%s", s.host, port)
}
