package e2e

// A real nginx in front of a pool. Not covered: other web servers as the front;
// they reach the same socket in the same way.

import (
	"bytes"
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

// nginx starts a web server in front of a backend in nginx's notation
// (unix:/PATH, HOST:PORT). It listens on a Unix socket of its own, because a
// free port cannot be chosen without a race. script is what kinds that run
// files, php-cgi and fcgiwrap, are told to run.
func nginx(t *testing.T, backend, script string) *front {
	t.Helper()
	return nginxKeeping(t, backend, script, 0)
}

// nginxKeeping keeps up to so many idle connections to the workers.
func nginxKeeping(t *testing.T, backend, script string, connections int) *front {
	t.Helper()
	keep, keeps := "", "off"
	if connections > 0 {
		keep, keeps = fmt.Sprintf("keepalive %d;", connections), "on"
	}
	folder := publicFolder(t)
	text, err := os.ReadFile("testdata/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "nginx.conf")
	filled := strings.NewReplacer("@FOLDER@", folder, "@BACKEND@", backend, "@SCRIPT@", script, "@KEEP@", keep, "@KEEPS@", keeps).Replace(string(text))
	if err := os.WriteFile(config, []byte(filled), 0o644); err != nil {
		t.Fatal(err)
	}
	errors := filepath.Join(folder, "error.log")
	background(t, exec.Command("nginx", "-p", folder, "-c", config, "-e", errors))
	socket := filepath.Join(folder, "http.sock")
	eventually(t, func() error { return connect(socket) })
	return &front{t, unixClient(socket), "http://localhost", errors}
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
