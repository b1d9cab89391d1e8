package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Outcome is what install or uninstall has done, in lines for people.
type Outcome struct {
	Lines    []string
	Warnings []string
}

func (o *Outcome) say(format string, args ...any) {
	o.Lines = append(o.Lines, fmt.Sprintf(format, args...))
}

func (o *Outcome) warn(format string, args ...any) {
	o.Warnings = append(o.Warnings, fmt.Sprintf(format, args...))
}

// Print is what Install would write, without writing it. It needs neither root nor
// the init system.
func Print(o Options, config []File) ([]File, error) {
	if o.Init == Auto {
		o.Init = runningInit()
	}
	if o.Init == "" {
		return nil, errors.New("no init system runs here to go by; try: --init systemd or --init sysv")
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	files, err := o.files(o.Init)
	return append(files, config...), err
}

// files are the files of the service; the unit or the script is the last.
func (o Options) files(kind string) ([]File, error) {
	at, err := o.places()
	switch {
	case err != nil:
		return nil, err
	case kind == Systemd:
		return o.units(at.units, systemdVersion())
	case kind == SysV:
		return o.script(at.script)
	}
	return nil, fmt.Errorf("there is no init system %q here; try: --init systemd, sysv or auto", kind)
}

// Install puts the service in place: all of it or, after an error, nothing. config
// are files of the configuration that come with it; check is asked when they are
// there whether the whole is right.
func Install(o Options, config []File, check func() error) (Outcome, error) {
	var done Outcome
	kind, err := choose(o.Init)
	if err != nil {
		return done, err
	}
	o.Init = kind
	if err := o.complete(); err != nil {
		return done, err
	}
	i := &installation{options: o, kind: kind, done: &done}
	if err := i.prepare(); err != nil {
		return done, err
	}
	err = i.finish(i.put(config, check)) // adds to done
	return done, err
}

// finish undoes what was written after an error; else it starts the service, if
// that was asked for.
func (i *installation) finish(err error) error {
	if err != nil {
		if left := i.files.rollback(); left != nil {
			err = fmt.Errorf("%w; and this could not be undone: %w", err, left)
		}
		return err
	}
	if i.options.Now {
		return i.start()
	}
	return nil
}

// installation is one run of Install or Uninstall.
type installation struct {
	options Options
	kind    string
	at      places
	record  Record
	service []File // to be written
	changed bool   // the service's own files were not what they are now
	files   transaction
	done    *Outcome
}

// prepare finds out all that can be wrong before anything is written.
func (i *installation) prepare() (err error) {
	if i.at, err = i.options.places(); err != nil {
		return err
	}
	if os.Geteuid() != 0 && !i.options.UserService {
		return errors.New("only root may install a service of the machine; try: sudo, or --user-service for one of your own")
	}
	if i.record, err = readRecord(i.at.record); err != nil {
		return err
	}
	if i.service, err = i.options.files(i.kind); err != nil {
		return err
	}
	if err := i.conflicts(); err != nil {
		return err
	}
	warnings, err := verify(i.kind, i.service)
	if warnings != "" {
		i.done.warn("%s", warnings)
	}
	return err
}

// conflicts refuses to overwrite what others have written, unless forced, and to
// stand in the way of a package.
func (i *installation) conflicts() error {
	if i.kind == Systemd {
		if err := i.systemdConflicts(); err != nil {
			return err
		}
	}
	for n, f := range i.service {
		text, err := os.ReadFile(f.Path)
		if err != nil || string(text) == f.Text {
			continue
		}
		note, ours := has(i.record.Service, f.Path)
		shared := i.kind == SysV && n < len(i.service)-1 // files that administrators change
		switch {
		case ours && !note.changed(), i.options.Force, shared:
		case ours:
			return fmt.Errorf("%s was changed since it was installed; try: --print to compare, --force to replace it", f.Path)
		default:
			return fmt.Errorf("%s is there, and install has not written it; try: --print to compare, --force to replace it", f.Path)
		}
	}
	return nil
}

// put writes everything and enables the service.
func (i *installation) put(config []File, check func() error) error {
	for n, f := range i.service {
		if i.kind == SysV && n < len(i.service)-1 && exists(f.Path) {
			continue // an administrator's by now
		}
		if err := i.place(f, &i.record.Service, &i.changed); err != nil {
			return err
		}
	}
	for _, f := range config {
		if err := i.place(f, &i.record.Config, new(bool)); err != nil {
			return err
		}
	}
	if err := check(); err != nil {
		return err
	}
	if err := i.enable(); err != nil {
		i.disable()
		return err
	}
	record, err := i.record.file(i.at.record)
	if err == nil {
		err = i.files.write(record)
	}
	return err
}

// place writes a file unless it is there like this.
func (i *installation) place(f File, list *[]Kept, changed *bool) error {
	text, err := os.ReadFile(f.Path)
	if err == nil && string(text) == f.Text {
		if _, ours := has(*list, f.Path); ours {
			i.done.say("%s is there already", f.Path)
			return nil
		}
	} else if err := i.files.write(f); err != nil {
		return err
	} else {
		*changed = true
		i.done.say("wrote %s", f.Path)
	}
	*list = add(*list, f)
	return nil
}

// enable makes the service start at boot, or just known.
func (i *installation) enable() error {
	i.record.Init, i.record.Units = i.kind, nil
	if i.kind == SysV {
		return i.enableScript()
	}
	for _, f := range i.service {
		i.record.Units = append(i.record.Units, filepath.Base(f.Path))
	}
	if _, err := i.options.systemctl("daemon-reload"); err != nil {
		return err
	}
	if i.options.NoEnable {
		return nil
	}
	if _, err := i.options.systemctl(append([]string{"enable"}, i.record.Units...)...); err != nil {
		return err
	}
	i.done.say("enabled: it starts at boot")
	return nil
}

// disable undoes enable; what fails of it was not done.
func (i *installation) disable() {
	if i.kind == SysV {
		i.disableScript()
		return
	}
	_, _ = i.options.systemctl(append([]string{"disable"}, i.record.Units...)...)
	_ = i.files.rollback()
	_, _ = i.options.systemctl("daemon-reload")
}

func (i *installation) start() error {
	if i.kind == SysV {
		return i.startScript()
	}
	return i.startUnits()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// lines are the last lines of a text.
func lines(text string, n int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
