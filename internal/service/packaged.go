package service

import (
	"errors"
	"os"
)

// Configure is Install where a package has installed the service: it writes the
// configuration, and enables and starts what is there.
func Configure(o Options, config []File, check func() error) (Outcome, error) {
	var done Outcome
	if os.Geteuid() != 0 {
		return done, errors.New("only root may configure a service of the machine; try: sudo, or --user-service for one of your own")
	}
	kind, err := choose(o.Init)
	if err != nil {
		return done, err
	}
	i := &installation{options: o, kind: kind, done: &done, record: Record{Units: []string{Name + ".service"}}}
	if i.at, err = o.places(); err != nil {
		return done, err
	}
	err = i.finish(i.configure(config, check)) // adds to done
	return done, err
}

func (i *installation) configure(config []File, check func() error) error {
	if i.kind == Systemd {
		if err := i.masked(); err != nil {
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
	switch {
	case i.options.NoEnable:
		return nil
	case i.kind == SysV:
		return i.enableScript()
	}
	if _, err := i.options.systemctl("enable", Name); err != nil {
		return err
	}
	i.done.say("enabled: it starts at boot")
	return nil
}
