package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// packaged are the folders where packages put units (systemd.unit(5)).
var packaged = []string{"/usr/lib/systemd/system", "/lib/systemd/system"}

// Packaged is the unit that a package has installed, empty if there is none.
func Packaged() string {
	for _, folder := range packaged {
		if path := filepath.Join(folder, Name+".service"); exists(path) {
			return path
		}
	}
	return ""
}

func (i *installation) systemdConflicts() error {
	if !have("systemctl") {
		return errors.New("find systemctl: systemd runs this machine, but its program is not in PATH")
	}
	if err := i.masked(); err != nil {
		return err
	}
	path := filepath.Join(i.at.units, Name+".service")
	if target, err := os.Readlink(path); err == nil {
		return fmt.Errorf("%s is a link to %s; try: remove it first", path, target)
	}
	if unit := Packaged(); unit != "" && !i.options.UserService && !i.options.Force {
		return fmt.Errorf("a package has installed the service already (%s); try: systemctl enable --now %s, or --force for a unit that takes the place of it", unit, Name)
	}
	return nil
}

// startUnits starts the service, or brings the new configuration into a running
// one.
func (i *installation) startUnits() error {
	library, err := i.options.library(Systemd)
	if err != nil {
		return err
	}
	for _, unit := range i.record.Units[:len(i.record.Units)-1] {
		if _, err := i.options.systemctl("start", unit); err != nil {
			return err
		}
	}
	_, inactive := i.options.systemctl("is-active", Name)
	verb := "started"
	switch {
	case inactive != nil:
		err = library.Start()
	case i.changed:
		verb, err = "restarted", library.Restart()
	default:
		verb = "reloaded"
		_, err = i.options.systemctl("reload", Name)
	}
	if err != nil {
		return fmt.Errorf("it is installed, but systemd cannot start it: %w\n%s", err, i.journal())
	}
	i.done.say("%s", verb)
	return nil
}

// journal is what the service has said last.
func (i *installation) journal() string {
	args := []string{"--unit", Name}
	if i.options.UserService {
		args = []string{"--user-unit", Name}
	}
	text, err := output("journalctl", append(args, "--lines", "8", "--output", "cat", "--no-pager")...)
	if err != nil {
		return "try: journalctl -u " + Name
	}
	return lines(text, 8)
}

// masked refuses what an administrator has forbidden.
func (i *installation) masked() error {
	path := filepath.Join(i.at.units, Name+".service")
	if target, err := os.Readlink(path); err == nil && target == os.DevNull {
		return fmt.Errorf("an administrator has masked the service; try: systemctl unmask %s", Name)
	}
	return nil
}
