package e2e

// Pools on sockets that somebody else has opened, systemd and spawn-fcgi here: doctor
// and request know where clients reach them. Not covered: real socket units, which
// internal/boottest has.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDoctorOfHandedSockets(t *testing.T) {
	for _, c := range []struct {
		listen   string
		launcher func(socket string) []string
		admits   string // how the web server's user is let in
		reopens  string
	}{
		{"systemd:app", func(socket string) []string {
			return []string{"systemd-socket-activate", "-l", socket, "--fdname=app"}
		}, "SocketUser=www-data and SocketMode=0660 in the socket unit", "systemctl restart the socket unit of app"},
		{"fd:0", func(socket string) []string {
			return []string{"spawn-fcgi", "-n", "-s", socket, "--"}
		}, "spawn-fcgi: -U www-data -M 0660", "restart what has started the supervisor"},
	} {
		t.Run(strings.ReplaceAll(c.listen, ":", "-"), func(t *testing.T) {
			t.Parallel()
			s := prepare(t, pool{command: []string{filepath.Join(workers, "worker-c")}, listen: c.listen, processes: 2})
			s.foreign = s.socket
			command := append(c.launcher(s.socket), binary, "run", "--config", s.config())
			s.run(command[0], command[1:]...)
			eventually(t, func() error { return connect(s.socket) }) // systemd starts us only now
			s.waitRunning()
			if got := s.mustCommand("request", s.pool, "/pid"); strings.TrimSpace(got) == "" {
				t.Errorf("request answers %q", got)
			}
			args := []string{"--config", s.config(), "--as", "www-data", "--path", "/pid"}

			chmod("app.sock", 0o666)(t, s.folder)
			if r, code := doctorSays(t, nil, args...); code != 0 || !seenOK(r, "socket") || !seenOK(r, "web server") || !seenOK(r, "pool's answer") {
				t.Errorf("exit code %d, and of a healthy pool doctor says\n%s", code, readable(r))
			}
			chmod("app.sock", 0o600)(t, s.folder)
			r, code := doctorSays(t, nil, args...)
			mustSay(t, r, code, `the web server, www-data, may not connect: .*/app.sock is not writable by user www-data.*; try: .*`+c.admits)
			if err := os.Remove(s.socket); err != nil {
				t.Fatal(err)
			}
			r, code = doctorSays(t, nil, args...)
			mustSay(t, r, code, `somebody has removed the socket .*; try: `+c.reopens)
		})
	}
}
