package e2e

// The supervisor started by what other FastCGI programs are started by, with the
// listening socket handed to it: all its workers answer, and stopping the
// starter leaves nothing. Not covered: systemd itself; StandardInput=socket.

import (
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestStartedBy(t *testing.T) {
	for _, c := range []struct {
		name   string
		begin  func(*testing.T, *supervisor) *front
		atOnce int // requests that the starter hands on at a time
	}{
		{"spawn-fcgi", bySpawnFcgi, 2 * clients},
		{"systemd-socket-activate", bySocketActivate, 2 * clients},
		{"lighttpd", byLighttpd, 2 * clients},
		{"apache", byApache, 1}, // mod_fcgid takes us for a process that does one thing at a time
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, pool{}) // the file it writes is not used
			f := c.begin(t, s)
			f.must(http.MethodGet, "/pid", nil) // some start us only now
			s.waitRunning()
			allAnswer(t, s, f, c.atOnce)
		})
	}
}

// flags is the command line of a supervisor without a file.
func (s *supervisor) flags(listen string) []string {
	return []string{binary, "run", "--listen", listen, "--processes", "3", "--name", s.pool,
		"--runtime-dir", s.runtime(), "--", filepath.Join(workers, "worker-c")}
}

func bySpawnFcgi(t *testing.T, s *supervisor) *front {
	s.foreign = s.socket
	s.run("spawn-fcgi", append([]string{"-n", "-s", s.socket, "-M", "0666", "--"}, s.flags("fd:0")...)...)
	return nginx(t, "unix:"+s.socket, "")
}

func bySocketActivate(t *testing.T, s *supervisor) *front {
	s.foreign = s.socket
	s.run("systemd-socket-activate", append([]string{"-l", s.socket, "--fdname=app"}, s.flags("systemd:app")...)...)
	// Unlike a socket unit it has no option for the mode.
	eventually(t, func() error { return os.Chmod(s.socket, 0o666) })
	return nginx(t, "unix:"+s.socket, "")
}

func byLighttpd(t *testing.T, s *supervisor) *front {
	s.startedByOther = true
	config := s.fill("testdata/lighttpd.conf", "@COMMAND@", strings.Join(s.flags("fd:0"), " "))
	s.run("lighttpd", "-D", "-f", config)
	socket := filepath.Join(s.folder, "http.sock")
	s.foreign = socket
	eventually(t, func() error { return connect(socket) })
	return &front{t, unixClient(socket), "http://localhost", s.log()}
}

// byApache runs the supervisor as Apache's ordinary user.
func byApache(t *testing.T, s *supervisor) *front {
	s.startedByOther = true
	s.foreign = filepath.Join(s.folder, "fcgid") // mod_fcgid leaves its sockets behind
	if err := os.WriteFile(filepath.Join(s.folder, "app.fcgi"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	giveTo(t, "www-data", s.runtime())
	address := ownAddress()
	config := s.fill("testdata/apache.conf", "@COMMAND@", strings.Join(s.flags("fd:0"), " "), "@ADDRESS@", address)
	s.run("apache2", "-f", config, "-DFOREGROUND")
	eventually(t, func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	})
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	return &front{t, client, "http://" + address, s.log()}
}

// fill writes a copy of a configuration, with the words replaced, and returns
// its path.
func (s *supervisor) fill(template string, words ...string) string {
	s.t.Helper()
	text, err := os.ReadFile(template)
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.folder, filepath.Base(template))
	filled := strings.NewReplacer(append(words, "@FOLDER@", s.folder)...).Replace(string(text))
	if err := os.WriteFile(path, []byte(filled), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func giveTo(t *testing.T, name, path string) {
	t.Helper()
	uid, gid := ids(t, name)
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
}

// ids are the numbers of a user and of its own group.
func ids(t *testing.T, name string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, err = strconv.Atoi(u.Uid)
	if err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	if err != nil {
		t.Fatal(err)
	}
	return uid, gid
}
