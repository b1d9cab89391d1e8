package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Uninstall stops the service, and removes what Install has written: with purge
// the configuration too. Where nothing was installed it does nothing.
func Uninstall(o Options, purge bool) (Outcome, error) {
	var done Outcome
	i := &installation{options: o, done: &done}
	var err error
	if i.at, err = o.places(); err != nil {
		return done, err
	}
	if os.Geteuid() != 0 && !o.UserService {
		return done, errors.New("only root may remove a service of the machine; try: sudo, or --user-service for one of your own")
	}
	if i.record, err = readRecord(i.at.record); err != nil {
		return done, err
	}
	i.kind = i.record.Init
	switch {
	case i.kind != "":
		err = i.takeAway()
	case !purge || len(i.record.Config) == 0: // else the configuration was kept the last time
		return done, i.nothing()
	}
	if err != nil {
		return done, err
	}
	return done, i.forget(purge)
}

// nothing says that install has not been here; who else has, if anybody.
func (i *installation) nothing() error {
	for _, path := range []string{filepath.Join(i.at.units, Name+".service"), i.at.script} {
		if path != "" && exists(path) {
			return fmt.Errorf("%s is there, but install has not written it; try: remove the package, or the file by hand", path)
		}
	}
	if unit := Packaged(); unit != "" {
		return fmt.Errorf("a package has installed %s; try: remove the package", unit)
	}
	i.done.say("it is not installed")
	return nil
}

// takeAway stops the service and removes its unit or script.
func (i *installation) takeAway() error {
	library, err := i.options.library(i.kind)
	if err != nil {
		return err
	}
	if i.kind == SysV {
		if exists(i.at.script) {
			if err := runScript(i.at.script, "stop", true); err != nil {
				return fmt.Errorf("stop the service: %w", err)
			}
			err = library.Uninstall()
		}
		unregister()
		_ = os.RemoveAll("/run/" + Name)
		return err
	}
	if _, err := i.options.systemctl(append([]string{"stop"}, i.record.Units...)...); err != nil && runningInit() == Systemd {
		return fmt.Errorf("stop the service: %w", err)
	}
	// Workers of a supervisor that crashed and could not start again.
	_, _ = i.options.systemctl("kill", "--kill-who=all", "--signal=KILL", Name+".service")
	path := filepath.Join(i.at.units, Name+".service")
	if _, err := os.Readlink(path); err == nil {
		i.done.warn("%s is a link by now and stays", path)
	} else if exists(path) {
		if err := library.Uninstall(); err != nil {
			return fmt.Errorf("disable and remove %s: %w", path, err)
		}
		i.done.say("removed %s", path)
	}
	runtime := "/run"
	if i.options.UserService {
		runtime = os.Getenv("XDG_RUNTIME_DIR")
	}
	_ = os.RemoveAll(filepath.Join(runtime, Name))
	for _, unit := range i.record.Units[:max(0, len(i.record.Units)-1)] {
		_, _ = i.options.systemctl("disable", unit)
	}
	return nil
}

// forget removes the other files, and the record with the last of them.
func (i *installation) forget(purge bool) error {
	list := i.record.Service
	if purge {
		list = append(list, i.record.Config...)
	}
	for _, k := range list {
		if info, err := os.Lstat(k.Path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := os.Remove(k.Path); err != nil {
			return fmt.Errorf("remove %s: %w", k.Path, cause(err))
		}
		i.done.say("removed %s", k.Path)
	}
	if i.kind == Systemd {
		_, _ = i.options.systemctl("daemon-reload")
		_, _ = i.options.systemctl("reset-failed", Name+".service")
	}
	if !purge && len(i.record.Config) > 0 {
		return i.keepConfig()
	}
	if err := os.Remove(i.at.record); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", i.at.record, cause(err))
	}
	_ = os.Remove(filepath.Dir(i.at.record))             // stays if something is in it
	for _, k := range slices.Backward(i.record.Config) { // conf.d before its parent
		_ = os.Remove(filepath.Dir(k.Path)) // likewise
	}
	return nil
}

// keepConfig leaves a record of the configuration alone, for a purge later on.
func (i *installation) keepConfig() error {
	for _, k := range i.record.Config {
		i.done.say("kept %s", k.Path)
	}
	i.done.say("fcgi-supervisor uninstall --purge removes what was kept")
	record, err := Record{Config: i.record.Config}.file(i.at.record)
	if err == nil {
		err = replace(record)
	}
	return err
}
