package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// command is one command of the program, as its hidden command `docs` tells it.
// The first one is the program itself, the others are in the order of its help.
type command struct {
	Name        string // "fcgi-supervisor status"
	Usage       string
	Short, Long string
	Example     string
	Flags       []flag // its own
	Common      []flag // those for all commands below it
}

type flag struct {
	Name, Letter   string // without dashes; Letter may be empty
	Value          string // what it takes; empty for a switch
	Default, Usage string
}

// exitCodes are the same for every command.
var exitCodes = []struct{ code, meaning string }{
	{"0", "done"},
	{"1", "failed"},
	{"2", "usage or configuration error; nothing was done"},
	{"3", "not running: nobody listens on the control socket"},
}

// readCommands builds the program and asks it.
func readCommands() ([]command, error) {
	run := exec.Command("go", "run", "fcgi-supervisor/cmd/fcgi-supervisor", "docs")
	var complaint bytes.Buffer
	run.Stderr = &complaint
	text, err := run.Output()
	if err != nil {
		return nil, fmt.Errorf("ask the program for its commands: %w\n%s", err, &complaint)
	}
	var commands []command
	if err := json.Unmarshal(text, &commands); err != nil {
		return nil, fmt.Errorf("read the commands of the program: %w", err)
	}
	return commands, nil
}

// example is the command lines without the margin they have in help.
func (c command) example() string {
	lines := strings.Split(c.Example, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}

// write is the flag as one types it: "-n, --lines N".
func (f flag) write() string {
	text := "--" + f.Name
	if f.Letter != "" {
		text = "-" + f.Letter + ", " + text
	}
	if f.Value != "" {
		text += " " + strings.ToUpper(f.Value)
	}
	return text
}

// initial is the default where it is worth telling: a switch is off, and what the
// text tells already is not told twice.
func (f flag) initial() string {
	switch f.Default {
	case "", "false", "[]", "0s":
		return ""
	}
	return f.Default
}
