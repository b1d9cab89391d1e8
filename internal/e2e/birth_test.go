package e2e

// What a worker is born with: descriptors, environment, signals, credentials,
// limits; once under a supervisor in good order and once under one that was
// itself started with everything blocked, ignored and leaking. Not covered:
// LISTEN_FDS handed to the supervisor, see started_test.go.

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBirth(t *testing.T) {
	for name, launcher := range map[string][]string{
		"from a clean start":        nil,
		"from the worst of parents": {filepath.Join(workers, "launcher")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, pool{
				command:   []string{filepath.Join(workers, "birth")},
				processes: 1,
				keys: `group = "www-data"
supplementary_groups = ["daemon", "games"]
umask = "0027"
environment = { GREETING = "hello world", FCGI_WEB_SERVER_ADDRS = "127.0.0.1" }
inherit_environment = ["PASSED_ON"]`,
				tables: "[@.limits]\nnofile = 1234\ncore = \"0\"\nnice = 5\nno_new_privileges = true",
			})
			command := append(slices.Clone(launcher), binary, "run", "--config", s.config())
			s.runWith([]string{
				"SECRET=1", "PASSED_ON=yes", "LANG=C.UTF-8", "TZ=Europe/Berlin", "NOTIFY_SOCKET=/nowhere",
				"WATCHDOG_USEC=1000000", "LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_FDNAMES=x",
			}, command[0], command[1:]...)
			s.waitRunning()
			f := nginx(t, "unix:"+s.socket, "")
			got := strings.Split(strings.TrimSpace(string(f.must(http.MethodGet, "/", nil).body)), "\n")
			compareBirth(t, got, wantedBirth(t, s))

			if info, err := os.Stat(s.socket); err != nil || info.Mode().Perm() != 0o660 {
				t.Errorf("socket: %v, %v; want mode 0660", info, err)
			}
		})
	}
}

// wantedBirth is what INTERFACE section 2 promises for the pool above. Signals
// have no lines: none blocked, none ignored, none caught.
func wantedBirth(t *testing.T, s *supervisor) []string {
	t.Helper()
	uid, gid := ids(t, "www-data")
	_, daemon := ids(t, "daemon")
	_, games := ids(t, "games")
	return []string{
		"fd 0", "fd 1", "fd 2",
		fmt.Sprintf("uid %d %d", uid, uid), fmt.Sprintf("gid %d %d", gid, gid),
		fmt.Sprintf("group %d", daemon), fmt.Sprintf("group %d", games),
		"umask 0027", "nice 5", "nofile 1234 1234", "core 0 0", "no_new_privileges 1",
		"session own", "directory " + workers,
		"env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"env LANG=C.UTF-8", "env TZ=Europe/Berlin", "env HOME=/var/www", "env USER=www-data", "env LOGNAME=www-data",
		"env SHELL=/usr/sbin/nologin",
		"env GREETING=hello world", "env FCGI_WEB_SERVER_ADDRS=127.0.0.1", "env PASSED_ON=yes",
		"env FCGI_SUPERVISOR_POOL=" + s.pool, "env FCGI_SUPERVISOR_WORKER=0", "env FCGI_SUPERVISOR_GENERATION=1",
		"env FCGI_SUPERVISOR_ID=" + s.lineage(),
	}
}

func compareBirth(t *testing.T, got, want []string) {
	t.Helper()
	for _, fact := range got {
		if !slices.Contains(want, fact) {
			t.Errorf("born with %q, which is not wanted", fact)
		}
	}
	for _, fact := range want {
		if !slices.Contains(got, fact) {
			t.Errorf("born without %q", fact)
		}
	}
}
