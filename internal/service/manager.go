package service

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/kardianos/service"
)

// libraryNames are what kardianos/service calls the init systems that we know.
var libraryNames = map[string]string{Systemd: "linux-systemd", SysV: "unix-systemv"}

// library is the service as kardianos/service sees it. Its Install is not used: it
// writes in place, always enables, and leaves half a file when it fails.
func (o Options) library(kind string) (service.Service, error) {
	for _, system := range service.AvailableSystems() {
		if system.String() == libraryNames[kind] {
			return system.New(nil, &service.Config{Name: Name, Option: service.KeyValue{"UserService": o.UserService}})
		}
	}
	return nil, fmt.Errorf("kardianos/service knows no init system %q", kind)
}

// choose says which init system is meant. It must be the one that runs: the other
// one's files would do nothing, or the same twice.
func choose(asked string) (string, error) {
	running := runningInit()
	switch {
	case asked != Auto && asked != Systemd && asked != SysV:
		return "", fmt.Errorf("there is no init system %q here; try: --init systemd, sysv or auto", asked)
	case running == "":
		return "", errors.New("no init system runs on this machine (a container?), so nothing would start the service; " +
			"try: fcgi-supervisor run as the container's command, or --print with --init to see the text")
	case asked == SysV && running == Systemd:
		return "", errors.New("systemd runs this machine and would not take an init script for more than it is; try: without --init")
	case asked == Systemd && running == SysV:
		return "", errors.New("systemd does not run this machine; try: without --init")
	}
	return running, nil
}

// runningInit is the init system that runs, empty for none that we know.
func runningInit() string {
	if info, err := os.Stat("/run/systemd/system"); err == nil && info.IsDir() { // sd_booted(3)
		return Systemd
	}
	name, err := os.ReadFile("/proc/1/comm")
	if err != nil || strings.TrimSpace(string(name)) != "init" {
		return ""
	}
	if info, err := os.Stat("/etc/init.d"); err != nil || !info.IsDir() {
		return ""
	}
	return SysV
}

var versionOf = regexp.MustCompile(`^systemd ([0-9]+)`)

// systemdVersion is 0 where it is not known: nothing newer than our oldest is used
// then.
func systemdVersion() int {
	text, err := output("systemctl", "--version")
	if err != nil {
		return 0
	}
	found := versionOf.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	version, _ := strconv.Atoi(found[1]) // digits
	return version
}

// systemctl runs a command for the manager that is meant, the system's or the
// user's.
func (o Options) systemctl(args ...string) (string, error) {
	if o.UserService {
		args = append([]string{"--user"}, args...)
	}
	return output("systemctl", args...)
}

// output runs a program; its error has what the program said.
func output(program string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		err = fmt.Errorf("find the program %s: it is not in PATH", program)
	case err != nil:
		said := strings.TrimSpace(stderr.String() + stdout.String())
		err = fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, said)
	}
	return strings.TrimSpace(stdout.String()), err
}

func have(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}
