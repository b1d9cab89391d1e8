package config

// Where the runtime folder comes from. Not covered: that it can be made, which is
// tried when it is made.

import (
	"fmt"
	"os"
	"testing"
)

func TestRuntimeDir(t *testing.T) {
	own, last := "/run/user/1/fcgi-supervisor", fmt.Sprintf("/tmp/fcgi-supervisor-%d", os.Geteuid())
	if os.Geteuid() == 0 {
		own, last = SystemRuntimeDir, SystemRuntimeDir
	}
	cases := []struct {
		name, systemd, user, want, mistake string
	}{
		{"systemd's", "/run/s", "/run/user/1", "/run/s", ""},
		{"the first of several", "/run/s:/run/t", "", "/run/s", ""},
		{"relative", "s", "", "", `--runtime-dir: "s", taken from the environment, is relative`},
		{"the usual", "", "/run/user/1", own, ""},
		{"the last", "", "", last, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("RUNTIME_DIRECTORY", c.systemd)
			t.Setenv("XDG_RUNTIME_DIR", c.user)
			t.Setenv("TMPDIR", "/tmp")
			config, err := FromFlags(Flags{Command: []string{"/bin/true"}, Values: map[string][]string{"listen": {"fd:0"}}})
			switch {
			case c.mistake != "":
				if err == nil || err.Error() != c.mistake {
					t.Errorf("got %v, want %s", err, c.mistake)
				}
			case err != nil || config.Supervisor.RuntimeDir != c.want:
				t.Errorf("got %s, %v, want %s", config.Supervisor.RuntimeDir, err, c.want)
			}
		})
	}
}
