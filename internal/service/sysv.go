package service

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// registrars make an init script start at boot; the first that is there does it.
var registrars = []struct {
	program string
	add     [][]string
	remove  []string
}{
	{"update-rc.d", [][]string{{Name, "defaults"}, {Name, "enable"}}, []string{Name, "remove"}},
	{"chkconfig", [][]string{{"--add", Name}, {Name, "on"}}, []string{"--del", Name}},
	{"rc-update", [][]string{{"add", Name, "default"}}, []string{"del", Name, "default"}},
}

func (i *installation) enableScript() error {
	if i.options.NoEnable {
		return nil
	}
	for _, r := range registrars {
		if !have(r.program) {
			continue
		}
		for _, args := range r.add {
			if _, err := output(r.program, args...); err != nil {
				return err
			}
		}
		i.done.say("enabled: it starts at boot")
		return nil
	}
	return errors.New("make the script start at boot: there is neither update-rc.d nor chkconfig nor rc-update; try: --no-enable, and link the script into your runlevels by hand")
}

// disableScript removes the links; update-rc.d does so only when the script has
// gone.
func (i *installation) disableScript() {
	_ = i.files.rollback()
	unregister()
}

func unregister() {
	for _, r := range registrars {
		if have(r.program) {
			_, _ = output(r.program, r.remove...) // no links: nothing to remove
			return
		}
	}
}

// startScript starts the service, or brings the new configuration into a running
// one. What the script says goes to the terminal.
func (i *installation) startScript() error {
	verb := "start"
	if runScript(i.at.script, "status", false) == nil {
		if verb = "reload"; i.changed {
			verb = "restart"
		}
	}
	if err := runScript(i.at.script, verb, true); err != nil {
		return fmt.Errorf("it is installed, but the init script cannot %s it: %w", verb, err)
	}
	i.done.say("%sed", verb)
	return nil
}

func runScript(path, verb string, loud bool) error {
	cmd := exec.Command(path, verb)
	if loud {
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	}
	return cmd.Run()
}
