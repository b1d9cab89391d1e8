package config

// What workers find in their environment, and the files it is read from. Not
// covered: the variables that name pool, worker and generation, which the
// spawner adds.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte("FROM_FILE=1\nBOTH=file\nPASSED=file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{
		"LANG": "de_DE.UTF-8", "TZ": "Europe/Berlin", "SECRET": "x", "PASSED": "ours", "PATH": "/ours", "HOME": "/ours",
		"NOTIFY_SOCKET": "/run/n", "LISTEN_FDS": "1", "WATCHDOG_USEC": "5", "FCGI_WEB_SERVER_ADDRS": "10.0.0.1",
	}
	cases := []struct {
		name string
		pool Pool
		ours map[string]string
		want string
	}{
		{"nothing of ours", Pool{}, nil,
			"HOME=/h LANG=C.UTF-8 LOGNAME=u PATH=" + DefaultPath + " SHELL=/s USER=u"},
		{"language and time zone", Pool{}, ours,
			"HOME=/h LANG=de_DE.UTF-8 LOGNAME=u PATH=" + DefaultPath + " SHELL=/s TZ=Europe/Berlin USER=u"},
		{"what is passed on", Pool{InheritEnvironment: []string{"PASSED", "ABSENT", "NOTIFY_SOCKET", "LISTEN_FDS", "WATCHDOG_USEC", "FCGI_WEB_SERVER_ADDRS"}}, ours,
			"HOME=/h LANG=de_DE.UTF-8 LOGNAME=u PASSED=ours PATH=" + DefaultPath + " SHELL=/s TZ=Europe/Berlin USER=u"},
		{"the pool wins over the file, the file over what is passed on", Pool{
			EnvironmentFile: file, InheritEnvironment: []string{"PASSED"},
			Environment: map[string]string{"BOTH": "pool", "PATH": "/p", "NOTIFY_SOCKET": "mine"},
		}, ours, "BOTH=pool FROM_FILE=1 HOME=/h LANG=de_DE.UTF-8 LOGNAME=u NOTIFY_SOCKET=mine PASSED=file PATH=/p SHELL=/s TZ=Europe/Berlin USER=u"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Environment(c.pool, "/h", "/s", "u", func(name string) (string, bool) {
				value, set := c.ours[name]
				return value, set
			})
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("got  %v, %v\nwant %s", got, err, c.want)
			}
		})
	}
	_, err := Environment(Pool{EnvironmentFile: "/no/such"}, "", "", "", os.LookupEnv)
	if err == nil || err.Error() != "read environment_file /no/such: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

func TestEnvironmentFile(t *testing.T) {
	good := map[string]string{
		"A=b":                                "b",
		"  A = b c  ":                        "b c",
		"A=":                                 "",
		"A=x=y":                              "x=y",
		`A="b \"c\" \n"`:                     `b "c" \n`,
		`A='b \"c'`:                          `b \"c`,
		`A=b\ c`:                             "b c",
		`A="b"'c'd`:                          "bcd",
		"A=b \\\n  c":                        "b c",
		"A=b\r":                              "b",
		"# A=c\n;x\n\nA=b # no comment here": "b # no comment here",
		"A=a\nA=b":                           "b",
	}
	for text, want := range good {
		got, err := parseEnvironmentFile("f", text)
		if err != nil || len(got) != 1 || got["A"] != want {
			t.Errorf("%q: got %v, %v, want %q", text, got, err, want)
		}
	}
	bad := map[string]string{
		"\nA":      "environment_file f:2: want NAME=VALUE",
		"=b":       "environment_file f:1: a variable without a name",
		"A='b":     "environment_file f:1: a ' is not closed",
		"A=a\x00b": `environment_file f:1: bad value "a\x00b": it may not contain a newline or a NUL byte`,
	}
	for text, want := range bad {
		_, err := parseEnvironmentFile("f", text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
