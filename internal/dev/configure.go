package dev

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"fcgi-supervisor/internal/config"
)

// ours are the flags of the pool that are not asked for: they say where it listens,
// and who may connect.
var ours = []string{"listen", "listen-owner", "listen-group", "listen-mode"}

// Flags are the flags of the pool that `dev` takes.
func Flags() []config.FlagInfo {
	return slices.DeleteFunc(config.PoolFlags(), func(f config.FlagInfo) bool {
		return f.Supervisor || slices.Contains(ours, f.Name)
	})
}

// configure is the pool as a developer expects it: in the present folder, with
// the present environment, two workers, reloaded when anything in the folder
// changes. What is typed wins.
func configure(o Options, folder string) (*config.Config, error) {
	if len(o.Command) == 0 {
		return nil, errors.New("no program is named; try: dev -- COMMAND")
	}
	present, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	values := map[string][]string{
		"processes": {"2"}, "directory": {present}, "watch": {"."}, "watch-debounce": {"100ms"},
		"restart-delay-max": {"5s"}, "stop-timeout": {"10s"}, "drain-timeout": {"10s"}, "inherit-environment": inherited(),
	}
	maps.Copy(values, o.Values)
	values["listen"], values["runtime-dir"] = []string{"unix:" + socketOf(folder)}, []string{folder}
	cfg, err := config.FromFlags(config.Flags{Values: values, Command: found(o.Command)})
	if err != nil {
		return nil, err
	}
	return &cfg, nil
}

// inherited are the names of all variables that workers may be given.
func inherited() (names []string) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); config.Inheritable(name) {
			names = append(names, name)
		}
	}
	return names
}

// found is the command with the program that a shell here would start: a virtual
// environment is in front in PATH.
func found(command []string) []string {
	path, err := exec.LookPath(command[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return command // config says what is wrong with it
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return append([]string{path}, command[1:]...)
}
