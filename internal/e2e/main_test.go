package e2e

// Builds what the tests run: the supervisor (with the race detector when the
// tests have it), and the workers. What is not covered anywhere in this package:
// systemd as init, reboot, other architectures, memory pressure.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// Where TestMain put things; written by it alone, before any test runs.
var (
	binary  string // the supervisor
	workers string // folder of the workers, readable by everybody
)

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "e2e-built-")
	if err == nil {
		err = build(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.RemoveAll(folder)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(folder)
		os.Exit(code)
	}))
}

func build(folder string) error {
	// Debian keeps daemons out of an ordinary user's PATH.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	// A program with the race detector else sleeps a second before it ends.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		return err
	}
	if err := checkMachine(); err != nil {
		return err
	}
	binary = filepath.Join(folder, "fcgi-supervisor")
	workers = filepath.Join(folder, "workers")
	if err := os.Chmod(folder, 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(workers, os.DirFS("testdata/workers")); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(workers, "worker.cgi"), 0o755); err != nil {
		return err
	}
	var race []string
	if raceDetector {
		race = []string{"-race"}
	}
	for _, command := range [][]string{
		append(append([]string{"go", "build"}, race...), "-o", binary, "fcgi-supervisor/cmd/fcgi-supervisor"),
		{"go", "build", "-o", filepath.Join(workers, "worker-go"), "./testdata/workers/go"},
		{"go", "build", "-o", filepath.Join(workers, "worker-params"), "./testdata/workers/params"},
		compile("testdata/workers/worker.c", filepath.Join(workers, "worker-c"), "-lfcgi"),
		compile("testdata/workers/threads.c", filepath.Join(workers, "threads"), "-lfcgi", "-pthread"),
		compile("testdata/workers/birth.c", filepath.Join(workers, "birth"), "-lfcgi"),
		compile("testdata/launcher.c", filepath.Join(workers, "launcher")),
		compile("testdata/denied.c", filepath.Join(workers, "denied")),
	} {
		if output, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %v\n%s", strings.Join(command, " "), err, output)
		}
	}
	return nil
}

func compile(source, program string, libraries ...string) []string {
	return append([]string{"gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, source}, libraries...)
}

// checkMachine names everything that is missing at once.
func checkMachine() error {
	var missing []error
	if os.Geteuid() != 0 {
		missing = append(missing, errors.New("root: workers run as other users here; try: sudo make test"))
	}
	for _, program := range []string{
		"gcc", "go", "nginx", "php-cgi", "perl", "ruby", "node", "fcgiwrap", "uwsgi-core", "plackup",
		"lighttpd", "apache2", "caddy", "haproxy", "h2o", "chromium", "spawn-fcgi", "systemd-socket-activate", "setpriv", "vi", "rsync", "setsid", "setfacl", "unshare", "ip", "curl",
	} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, fmt.Errorf("program %s; try: .ci/deps", program))
		}
	}
	for _, file := range []string{
		"/usr/include/fcgiapp.h", "/usr/lib/apache2/modules/mod_fcgid.so",
		"/usr/lib/uwsgi/plugins/python3_plugin.so", "/usr/share/nodejs/node-fastcgi", "/usr/lib/python3/dist-packages/flask", "/usr/lib/python3/dist-packages/django",
	} {
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, fmt.Errorf("file %s; try: .ci/deps", file))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing on this machine:\n%w", errors.Join(missing...))
	}
	return nil
}
