package main

// Every command and flag of ours that a document shows exists in the program, and
// every command has its page. Not covered: whether arguments make sense.

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	ourCommand = regexp.MustCompile(`(?:^|[\s/"` + "`" + `])fcgi-supervisor ([a-z][a-z-]*)([^|;&#"` + "`" + `]*)`)
	codeSpan   = regexp.MustCompile("`([^`\n]+)`")
	aFlag      = regexp.MustCompile(`(?:^|\s)(--[a-z][a-z-]*|-[A-Za-z])\b`)
)

// misuse says what of the command lines in text the program does not have.
func misuse(text string, commands []command) (faults []string, seen int) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.SplitSeq(text, "\n") {
		for _, found := range ourCommand.FindAllStringSubmatch(line, -1) {
			i := slices.IndexFunc(commands, func(c command) bool { return c.Name == "fcgi-supervisor "+found[1] })
			if i < 0 {
				faults = append(faults, "there is no command "+found[1])
				continue
			}
			seen++
			own, _, _ := strings.Cut(found[2], " -- ") // what follows is the worker's
			for _, f := range aFlag.FindAllStringSubmatch(own, -1) {
				if !has(commands[i], commands[0], f[1]) {
					faults = append(faults, fmt.Sprintf("%s has no flag %s", commands[i].Name, f[1]))
				}
			}
		}
	}
	return faults, seen
}

func has(c, program command, written string) bool {
	if written == "--help" || written == "-h" {
		return true
	}
	return slices.ContainsFunc(slices.Concat(c.Flags, program.Common), func(f flag) bool {
		return written == "--"+f.Name || written == "-"+f.Letter
	})
}

func TestCommandsInDocumentsExist(t *testing.T) {
	commands, err := readCommands()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, d := range documents(t) {
		look := func(where, text string) {
			faults, seen := misuse(text, commands)
			total += seen
			for _, fault := range faults {
				t.Errorf("%s: %s", where, fault)
			}
		}
		for _, b := range d.blocks {
			if b.language != "go" { // there they are sentences
				look(fmt.Sprintf("%s:%d", d.path, b.line), b.text)
			}
		}
		for _, span := range codeSpan.FindAllStringSubmatch(d.prose, -1) {
			look(d.path, span[1])
		}
	}
	if total < 50 {
		t.Errorf("only %d commands were found in the documents: this test looks past them", total)
	}
}

func TestMisuseIsFound(t *testing.T) {
	commands := []command{{Name: "fcgi-supervisor", Common: []flag{{Name: "config"}}},
		{Name: "fcgi-supervisor run", Flags: []flag{{Name: "listen"}, {Name: "lines", Letter: "n"}}}}
	for line, want := range map[string]int{
		"fcgi-supervisor run --listen x --config y":             0,
		"/usr/local/bin/fcgi-supervisor run -n 3":               0,
		"fcgi-supervisor run --listen x -- worker --unknown":    0,
		"mkdir /run/fcgi-supervisor /etc/fcgi-supervisor/x":     0,
		"fcgi-supervisor runs":                                  1,
		"fcgi-supervisor run --lisen x":                         1,
		"fcgi-supervisor run \\\n  --lisen x":                   1,
		"curl x; fcgi-supervisor run -x | fcgi-supervisor walk": 2,
	} {
		if faults, _ := misuse(line, commands); len(faults) != want {
			t.Errorf("%s: faults %q, want %d", line, faults, want)
		}
	}
}

func TestEveryCommandHasItsPages(t *testing.T) {
	commands, err := readCommands()
	if err != nil {
		t.Fatal(err)
	}
	page := cliPage(commands)
	for _, c := range commands[1:] {
		if !strings.Contains(page, "\n## "+c.Name+"\n") {
			t.Errorf("the reference has no section for %s", c.Name)
		}
		text := commandManual(c, commands)
		for _, f := range c.Flags {
			if !strings.Contains(text, `\-\-`+strings.ReplaceAll(f.Name, "-", `\-`)) {
				t.Errorf("the manual page of %s has nothing about --%s", c.Name, f.Name)
			}
		}
		if c.Example == "" {
			t.Errorf("%s has no example", c.Name)
		}
	}
}
