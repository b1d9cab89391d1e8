package config

// Who may connect to a socket, what reads a script, and programs for other
// processors. Access control lists are in acl_linux_test.go.

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExplainConnect(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root's answer differs from nobody's by owner")
	}
	dir := open(t)
	path := filepath.Join(dir, "in", "a.sock")
	put(t, filepath.Join(dir, "in", "x"), "", 0o600)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct {
		folder, socket os.FileMode
		groups         []uint32
		want           string
	}{
		{0o755, 0o666, nil, ""},
		{0o755, 0o664, nil, "a.sock is not writable by user nobody"},
		{0o755, 0o664, []uint32{0}, ""},
		{0o700, 0o666, nil, "/in is not searchable by user nobody"},
		{0o710, 0o666, nil, "/in is not searchable by user nobody"},
		{0o710, 0o660, []uint32{0}, ""},
	} {
		if err := os.Chmod(filepath.Dir(path), c.folder); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.socket); err != nil {
			t.Fatal(err)
		}
		text, remedy := ExplainConnect(path, nobody, nobody, c.groups)
		if c.want == "" && text != "" || !strings.Contains(text, c.want) || (text == "") != (remedy == "") {
			t.Errorf("%v in %v, groups %v: %q, %q; want %q", c.socket, c.folder, c.groups, text, remedy, c.want)
		}
		if text, _ := ExplainConnect(path, 0, 0, nil); text != "" {
			t.Errorf("root: %s", text)
		}
	}
	if text, _ := ExplainConnect(path+".not", 0, 0, nil); !strings.Contains(text, "does not exist") {
		t.Errorf("a path that is not there: %q", text)
	}
}

func TestInterpreter(t *testing.T) {
	dir := open(t)
	put(t, filepath.Join(dir, "bin", "python3"), "#!/bin/sh\n", 0o755)
	path := filepath.Join(dir, "bin") + ":/usr/bin:/bin"
	for first, want := range map[string]string{
		"#!/usr/bin/perl -w\n":                   "/usr/bin/perl",
		"#! /bin/sh\n":                           "/bin/sh",
		"#!/usr/bin/env python3\n":               filepath.Join(dir, "bin", "python3"),
		"#!/usr/bin/env -S A=1 python3 -u\n":     filepath.Join(dir, "bin", "python3"),
		"#!/usr/bin/env nosuchinterpreter\n":     "nosuchinterpreter",
		"#!/usr/bin/env\n":                       "",
		"#!\n":                                   "",
		"use strict;\n":                          "",
		"":                                       "",
		"\x7fELF\x02":                            "",
		"#!" + strings.Repeat("x", maxHead) + "": strings.Repeat("x", maxHead-2),
	} {
		script := put(t, filepath.Join(dir, "script"), first, 0o755)
		if got := Interpreter(script, uint32(os.Geteuid()), uint32(os.Getegid()), nil, path); got != want {
			t.Errorf("%q is read by %q, want %q", first, got, want)
		}
	}
}

func TestProgramForAnotherProcessor(t *testing.T) {
	if otherFormats() {
		t.Skip("an emulator may run it here")
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	const machine, s390 = 18, 22 // e_machine of elf(5), EM_S390
	self[machine], self[machine+1] = s390, 0
	path := put(t, filepath.Join(open(t), "program"), string(self), 0o755)
	if got := ExplainExec(path, nobody, nobody, nil, DefaultPath); !strings.Contains(got, "for another processor (s390)") {
		t.Errorf("%q", got)
	}
}
