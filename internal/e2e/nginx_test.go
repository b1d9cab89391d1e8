package e2e

// A real nginx in front of a pool. Not covered: other web servers as the front;
// they reach the same socket in the same way.

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// front is a web server in front of a pool.
type front struct {
	t      *testing.T
	client *http.Client
	base   string // URL without path
	errors string // path of its error log
}

// nginxSite is a web server in front of a pool.
type nginxSite struct {
	backend string // in nginx's notation: unix:/PATH, HOST:PORT
	script  string // what kinds that run files, php-cgi and fcgiwrap, are told to run
	keep    int    // idle connections to the workers that it keeps
	listen  string // default: a Unix socket, because a free port cannot be chosen without a race
}

// nginx starts a web server that keeps no connections.
func nginx(t *testing.T, backend, script string) *front {
	t.Helper()
	return nginxOn(t, nginxSite{backend: backend, script: script})
}

func nginxOn(t *testing.T, site nginxSite) *front {
	t.Helper()
	keep, keeps := "", "off"
	if site.keep > 0 {
		keep, keeps = fmt.Sprintf("keepalive %d;", site.keep), "on"
	}
	folder := publicFolder(t)
	text, err := os.ReadFile("testdata/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(folder, "http.sock")
	f := &front{t, unixClient(socket), "http://localhost", filepath.Join(folder, "error.log")}
	ready := func() error { return connect(socket) }
	if site.listen != "" {
		f.client, f.base = http.DefaultClient, "http://"+site.listen
		ready = func() error { _, err := f.request(http.MethodGet, "/", nil); return err }
	}
	config := filepath.Join(folder, "nginx.conf")
	filled := strings.NewReplacer("@FOLDER@", folder, "@LISTEN@", cmp.Or(site.listen, "unix:"+socket), "@BACKEND@", site.backend,
		"@SCRIPT@", site.script, "@KEEP@", keep, "@KEEPS@", keeps).Replace(string(text))
	if err := os.WriteFile(config, []byte(filled), 0o644); err != nil {
		t.Fatal(err)
	}
	background(t, exec.Command("nginx", "-p", folder, "-c", config, "-e", f.errors))
	eventually(t, ready)
	return f
}

// background runs a program until the test ends, and then ends it with SIGTERM.
func background(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", cmd.Path, output.Bytes())
		}
	})
}

// connect opens a connection and closes it.
func connect(socket string) error {
	conn, err := net.Dial("unix", socket)
	if err == nil {
		conn.Close()
	}
	return err
}

// answer is a response, read to its end.
type answer struct {
	status int
	pid    int // of the worker
	body   []byte
}

func (f *front) request(method, path string, body []byte) (answer, error) {
	request, err := http.NewRequest(method, f.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	response, err := f.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		return answer{}, err
	}
	if a.status == http.StatusOK && response.Header.Get("X-Pid") != "" {
		a.pid, err = strconv.Atoi(response.Header.Get("X-Pid"))
	}
	return a, err
}

// must is request for one that has to succeed.
func (f *front) must(method, path string, body []byte) answer {
	f.t.Helper()
	a, err := f.request(method, path, body)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("status %d: %.200s", a.status, a.body)
	}
	if err != nil {
		f.t.Fatalf("%s %s: %v\nthe web server says:\n%s", method, path, err, lastBytes(f.errors, 2000))
	}
	return a
}
