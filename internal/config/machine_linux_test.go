package config

// What this machine is missing: real files, users and permissions. As root other
// users' files are made for real; the parts that need root are skipped for
// others. Not covered: access control lists, noexec and read-only mounts,
// users of other databases than /etc/passwd.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	nobody  = 65534 // in every /etc/passwd there is
	someone = 54321 // in none
)

// open is a folder that everybody may search: those above t.TempDir may be 0700.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "config")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// put writes a file with a mode that the umask does not touch.
func put(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// owners are "OWNER GROUP" of a file that we made.
func owners() string { return userName(uint32(os.Geteuid())) + " " + groupName(uint32(os.Getegid())) }

func TestExplainExec(t *testing.T) {
	dir := open(t)
	file := func(name, text string, mode os.FileMode) string { return put(t, filepath.Join(dir, name), text, mode) }
	link := func(name, target string) string {
		path := filepath.Join(dir, name)
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", "#!/bin/sh\n", 0o755)
	shut := file("shut/app", "#!/bin/sh\n", 0o755)
	if err := os.Chmod(filepath.Dir(shut), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o777); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, path, want string }{
		{"script", good, ""},
		{"ELF program", "/bin/true", ""},
		{"link", link("link", "good"), ""},
		{"link to a link, upwards", link("up", "../"+filepath.Base(dir)+"/link"), ""},
		{"script of a script", file("nested", "#!"+good+" x\n", 0o755), ""},
		{"only root may read it", file("secret", "#!/bin/sh\n", 0o711), ""},
		{"missing", dir + "/none", "DIR/none does not exist"},
		{"missing folder", dir + "/none/app", "DIR/none does not exist (on the way to DIR/none/app)"},
		{"link to nothing", link("dangling", "nothing"), "DIR/nothing does not exist (on the way to DIR/dangling)"},
		{"link to itself", link("loop", "loop"), "DIR/loop leads through too many symbolic links"},
		{"file as a folder", good + "/app", "DIR/good is not a folder"},
		{"folder", dir, "DIR is not a program: a folder"},
		{"pipe", dir + "/pipe", "DIR/pipe is not a program: a named pipe"},
		{"not executable", file("plain", "#!/bin/sh\n", 0o644), "DIR/plain is not executable by user 54321 (-rw-r--r-- OWNERS); try: chmod o+x DIR/plain"},
		{"folder not searchable", shut, "DIR/shut is not searchable by user 54321 (drwx------ OWNERS); try: chmod o+x DIR/shut"},
		{"link into it", link("into", "shut/app"), "DIR/shut is not searchable by user 54321 (drwx------ OWNERS); try: chmod o+x DIR/shut"},
		{"interpreter missing", file("nointerp", "#!/no/such/perl -w\n", 0o755), "the #! line of DIR/nointerp: /no does not exist (on the way to /no/such/perl)"},
		{"interpreter not executable", file("badinterp", "#! "+dir+"/plain\n", 0o755), "the #! line of DIR/badinterp: DIR/plain is not executable by user 54321 (-rw-r--r-- OWNERS); try: chmod o+x DIR/plain"},
		{"interpreter relative", file("relinterp", "#!perl\n", 0o755), "the #! line of DIR/relinterp: the interpreter \"perl\" is not an absolute path"},
		{"no interpreter", file("emptyline", "#!\nexit\n", 0o755), "the #! line of DIR/emptyline: names no interpreter"},
		{"endless line", file("long", "#!/"+strings.Repeat("x", 300)+"\n", 0o755), "the #! line of DIR/long: is longer than 256 bytes"},
		{"scripts without end", file("self", "#!"+dir+"/self\n", 0o755), "too deep"},
		{"CRLF", file("crlf", "#!/bin/sh\r\n", 0o755), `the first line of DIR/crlf ends in a carriage return (CRLF); try: sed -i 's/\r$//' DIR/crlf`},
		{"CRLF after an argument", file("crlf2", "#!/bin/sh -e\r\n", 0o755), `the first line of DIR/crlf2 ends in a carriage return (CRLF); try: sed -i 's/\r$//' DIR/crlf2`},
		{"byte order mark", file("bom", "\xef\xbb\xbf#!/bin/sh\n", 0o755), `DIR/bom begins with a byte order mark before its #! line; try: sed -i '1s/^\xEF\xBB\xBF//' DIR/bom`},
		{"no #! line", file("text", "print 1\n", 0o755), "DIR/text is neither an ELF program nor a script: its first line does not begin with #!"},
		{"empty", file("empty", "", 0o755), "DIR/empty is empty"},
		{"damaged ELF", file("elf", "\x7fELF", 0o755), "DIR/elf is a damaged ELF program: EOF"},
		{"env", file("env", "#!/usr/bin/env sh\n", 0o755), ""},
		{"env of nothing", file("env0", "#!/usr/bin/env\n", 0o755), "the #! line of DIR/env0: env is asked for no program"},
		{"env of what is not there", file("env1", "#!/usr/bin/env pythn3\n", 0o755), "the #! line of DIR/env1: pythn3 is not in the worker's PATH (/usr/bin:/bin)"},
		{"env with an argument", file("env2", "#!/usr/bin/env sh -e\n", 0o755), `the #! line of DIR/env2: env is asked for a program called "sh -e"; write env -S sh -e`},
		{"env -S", file("env3", "#!/usr/bin/env -S A=b sh -e\n", 0o755), ""},
		{"env -S of what is not there", file("env4", "#!/usr/bin/env -S A=b pythn3 -u\n", 0o755), "the #! line of DIR/env4: pythn3 is not in the worker's PATH (/usr/bin:/bin)"},
		{"env of a path", file("env5", "#!/usr/bin/env "+dir+"/plain\n", 0o755), "the #! line of DIR/env5: DIR/plain is not executable by user 54321 (-rw-r--r-- OWNERS); try: chmod o+x DIR/plain"},
		{"env with an option", file("env6", "#!/usr/bin/env -i\n", 0o755), ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := ExplainExec(c.path, someone, someone, nil, "/usr/bin:/bin")
			got = strings.ReplaceAll(strings.ReplaceAll(got, dir, "DIR"), owners(), "OWNERS")
			if c.want == "too deep" && strings.HasSuffix(got, c.want) {
				return
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestMay compares what we compute with what the kernel answers to a process
// that really is that user.
func TestMay(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	dir := open(t)
	for _, mode := range []os.FileMode{0, 0o100, 0o010, 0o001, 0o400, 0o040, 0o004, 0o070, 0o707, 0o755} {
		for _, owner := range [][2]int{{0, 0}, {someone, 0}, {0, 77}, {0, 88}, {someone, 77}} {
			for _, uid := range []uint32{0, someone, nobody} {
				a := account{uid: uid, gid: 77, groups: []uint32{88}}
				path := put(t, fmt.Sprintf("%s/%o-%d-%d-%d", dir, mode, owner[0], owner[1], uid), "#!/bin/sh\n", mode)
				if err := os.Chown(path, owner[0], owner[1]); err != nil {
					t.Fatal(err)
				}
				info, err := os.Lstat(path)
				if err != nil {
					t.Fatal(err)
				}
				for flag, right := range map[string]uint32{"-r": mayRead, "-x": mayEnter} {
					if got, want := a.may(path, info, right), allowed(t, a, flag, path); got != want {
						t.Errorf("uid %d on %v %v: test %s is %v, we say %v", uid, info.Mode(), owner, flag, want, got)
					}
				}
			}
		}
	}
}

// allowed asks the kernel, by test(1) in the skin of a.
func allowed(t *testing.T, a account, flag, path string) bool {
	t.Helper()
	groups := make([]uint32, len(a.groups))
	copy(groups, a.groups)
	process, err := os.StartProcess("/usr/bin/test", []string{"test", flag, path}, &os.ProcAttr{
		Sys: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: groups}},
	})
	if err != nil {
		t.Fatal(err)
	}
	state, err := process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return state.Success()
}

func TestCheckMachine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the expected texts are those that root sees")
	}
	dir := open(t)
	app := put(t, dir+"/app", "#!/bin/sh\n", 0o755)
	put(t, dir+"/file", "", 0o644)
	put(t, dir+"/env", "A\n", 0o644)
	put(t, dir+"/shut/x", "", 0o644)
	if err := os.Chmod(dir+"/shut", 0o700); err != nil {
		t.Fatal(err)
	}
	base := "[pool.a]\ncommand = [\"" + app + "\"]\nlisten = \"unix:" + dir + "/a.sock\"\nuser = \"nobody\"\nlisten_backlog = 1\n"
	cases := []struct{ name, text, want string }{
		{"nothing", base, ""},
		{"user", strings.Replace(base, "nobody", "noone", 1), `f.toml:4 user "noone" does not exist`},
		{"user without an entry", strings.Replace(base, "nobody", "54321", 1), "f.toml:4 user 54321 has no entry in the user database, so its group is not known; set group too"},
		{"user without an entry, with a group", strings.Replace(base, "nobody", "54321", 1) + "group = \"root\"\n", ""},
		{"group", base + "group = \"nogrp\"\n", `f.toml:6 group "nogrp" does not exist`},
		{"groups", base + "supplementary_groups = [\"root\", \"nogrp\"]\n", `f.toml:6 group "nogrp" does not exist`},
		{"owner of the socket", base + "listen_owner = \"noone\"\nlisten_group = \"nogrp\"\n", "f.toml:6 user \"noone\" does not exist\nf.toml:7 group \"nogrp\" does not exist"},
		{"control group", base + "[supervisor]\ncontrol_group = \"nogrp\"\n", `f.toml:7 group "nogrp" does not exist`},
		{"command", strings.Replace(base, "/app\"", "/none\"", 1), "f.toml:2 DIR/none does not exist"},
		{"directory", base + "directory = \"DIR/none\"\n", "f.toml:6 DIR/none does not exist"},
		{"directory that is none", base + "directory = \"DIR/file\"\n", "f.toml:6 DIR/file is not a folder"},
		{"directory out of reach", base + "directory = \"DIR/shut\"\n", "f.toml:6 DIR/shut is not searchable by user nobody (drwx------ root root); try chmod o+x DIR/shut"},
		{"socket folder", strings.Replace(base, "/a.sock", "/none/a.sock", 1), "f.toml:3 the socket cannot be made: DIR/none does not exist"},
		{"socket folder that run makes", strings.Replace(base, "/a.sock", "/none/a.sock", 1) + "[supervisor]\nruntime_dir = \"DIR/none\"\n", ""},
		{"socket folder that is a file", strings.Replace(base, "/a.sock", "/file/a.sock", 1), "f.toml:3 the socket cannot be made: DIR/file is not a folder"},
		{"socket that is none", strings.Replace(base, "/a.sock", "/file", 1), "f.toml:3 DIR/file exists and is not a socket; it will not be replaced"},
		{"environment file", base + "environment_file = \"DIR/env\"\n", "f.toml:6 environment_file DIR/env:1: want NAME=VALUE"},
		{"environment file missing", base + "environment_file = \"DIR/none\"\n", "f.toml:6 read environment_file DIR/none: no such file or directory"},
		{"log folder", base + "log = { output = \"file\", file = \"DIR/none/a.log\" }\n", "f.toml:6 the log file cannot be made: DIR/none does not exist"},
		{"log file that is a folder", base + "log = { output = \"file\", file = \"DIR/shut\" }\n", "f.toml:6 DIR/shut is a folder"},
		{"backlog", strings.Replace(base, "listen_backlog = 1\n", "listen_backlog = 1000000\n", 1), "f.toml:5 warning"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			config, err := load(t, map[string]string{"f.toml": strings.ReplaceAll(c.text, "DIR", dir)})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, p := range config.CheckMachine() {
				text := p.Text
				if p.Remedy != "" {
					text += "; try " + p.Remedy
				}
				if !p.Fatal {
					text = "warning"
				}
				lines = append(lines, filepath.Base(p.Where)+" "+text)
			}
			got := strings.ReplaceAll(strings.Join(lines, "\n"), dir, "DIR")
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	uid, gid, groups, home, shell, err := Credentials(Pool{User: "root"})
	if err != nil || uid != 0 || gid != 0 || len(groups) == 0 || groups[0] != 0 || home == "" || !strings.HasPrefix(shell, "/") {
		t.Errorf("root: %d %d %v %s %s %v", uid, gid, groups, home, shell, err)
	}
	uid, gid, groups, _, _, err = Credentials(Pool{})
	if err != nil || int(uid) != os.Geteuid() || int(gid) != os.Getegid() {
		t.Errorf("ourselves: %d %d %v %v", uid, gid, groups, err)
	}
	uid, gid, groups, _, _, err = Credentials(Pool{User: "nobody", Group: "root", SupplementaryGroups: []string{"0", "77"}})
	if err != nil || uid != nobody || gid != 0 || fmt.Sprint(groups) != "[0 77]" {
		t.Errorf("nobody: %d %d %v %v", uid, gid, groups, err)
	}
	uid, gid, groups, home, shell, err = Credentials(Pool{User: "54321", Group: "77"})
	if err != nil || uid != someone || gid != 77 || len(groups) != 0 || home != "/" || shell != "/bin/sh" {
		t.Errorf("a number: %d %d %v %s %s %v", uid, gid, groups, home, shell, err)
	}
	for _, p := range []Pool{{User: "noone"}, {User: "-1"}, {User: "4294967295", Group: "0"}, {User: "root", Group: "nogrp"}} {
		if _, _, _, _, _, err := Credentials(p); err == nil {
			t.Errorf("%+v: no error", p)
		}
	}
}

func TestTrust(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root is careful")
	}
	cases := []struct {
		name         string
		file, folder os.FileMode
		uid, gid     int
		want         string
	}{
		{"root's", 0o644, 0o755, 0, 0, ""},
		{"root's group may write", 0o664, 0o775, 0, 0, ""},
		{"everybody may write", 0o646, 0o755, 0, 0, "DIR/f.toml:1:1: DIR/f.toml is writable by others (-rw-r--rw- root root), and root does not run what others may change; try: chmod o-w DIR/f.toml"},
		{"another group may write", 0o664, 0o755, 0, nobody, "DIR/f.toml:1:1: DIR/f.toml is writable by others (-rw-rw-r-- root nogroup), and root does not run what others may change; try: chmod g-w DIR/f.toml"},
		{"another user's", 0o644, 0o755, nobody, 0, "DIR/f.toml:1:1: DIR/f.toml belongs to user nobody, and root does not run what others may change; try: chown root DIR/f.toml"},
		{"everybody's folder", 0o644, 0o777, 0, 0, "DIR/f.toml:1:1: DIR is writable by others (drwxrwxrwx root root), and root does not run what others may change; try: chmod o-w DIR"},
		{"sticky folder", 0o644, os.ModeSticky | 0o777, 0, 0, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := open(t)
			path := put(t, dir+"/f.toml", pool, c.file)
			for _, err := range []error{os.Chown(path, c.uid, c.gid), os.Chmod(dir, c.folder)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			_, err := Load(path)
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if want := strings.ReplaceAll(c.want, "nogroup", groupName(nobody)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
