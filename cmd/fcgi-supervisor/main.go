// Command fcgi-supervisor keeps FastCGI workers running behind one listening
// socket. main is the only place that ends the process.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
)

// Exit codes, the same for every command.
const (
	exitFailed     = 1
	exitUsage      = 2 // usage or configuration error
	exitNotRunning = 3 // nobody listens on the control socket
)

// version is set by the linker.
var version = "dev"

// exitError carries an exit code to main.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// errSilent is returned by a command that has already said what is wrong.
var errSilent = errors.New("")

func main() {
	err := newRoot().ExecuteContext(context.Background())
	if err == nil {
		return
	}
	complain(err)
	os.Exit(exitCode(err))
}

// complain writes an error for people. Mistakes in a configuration stand each on
// a line of its own that begins with the place, as editors and compilers have it.
func complain(err error) {
	var mistakes config.Errors
	if errors.As(err, &mistakes) {
		for _, m := range mistakes {
			fmt.Fprintln(os.Stderr, m.Error())
		}
		err = fmt.Errorf("cannot use the configuration: %d mistakes", len(mistakes))
		if len(mistakes) == 1 {
			err = errors.New("cannot use the configuration: 1 mistake")
		}
	}
	var refused control.Mistakes // of the configuration that the supervisor was to take
	if errors.As(err, &refused) {
		for _, m := range refused {
			fmt.Fprintln(os.Stderr, harmless(m))
		}
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "fcgi-supervisor: "+text)
	}
}

func exitCode(err error) int {
	var coded *exitError
	var refused control.Mistakes
	switch {
	case errors.As(err, &refused):
		return exitUsage
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, control.ErrNotRunning):
		return exitNotRunning
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "fcgi-supervisor",
		Short: "Keep FastCGI workers running behind one socket, and never lose a request",
		Example: `  fcgi-supervisor demo
  fcgi-supervisor run --listen unix:/run/app.sock --processes 5 -- /var/www/app/app.fcgi`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetVersionTemplate("fcgi-supervisor {{.Version}}\n")
	root.SetFlagErrorFunc(usageError)
	root.CompletionOptions.DisableDefaultCmd = true
	addCommonFlags(root)
	root.AddCommand(newRunCommand(), newDevCommand(), newDemoCommand(), newDemoWorkerCommand(), newCheckCommand(), newStatusCommand(), newStartCommand(),
		newStopCommand(), newReloadCommand(), newRestartCommand(), newScaleCommand(), newUpgradeCommand(), newLogsCommand(), newEventsCommand(),
		newRequestCommand(), newDoctorCommand(), newWebconfCommand(), newConvertCommand(), newInstallCommand(), newUninstallCommand(),
		newBackgroundCommand(), newLeftoversCommand(), newLeaveCommand(), newVersionCommand(), newCompletionCommand(), newDocsCommand())
	for _, cmd := range append(root.Commands(), root) {
		cmd.Args = asUsage(cmd.Args)
	}
	return root
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q; did you mean %q?", args[0], near[0])
	}
	return fmt.Errorf("there is no command %q", args[0])
}

// asUsage gives wrong arguments the exit code of wrong usage.
func asUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	if check == nil {
		check = cobra.ArbitraryArgs
	}
	return func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if coded := (*exitError)(nil); err == nil || errors.As(err, &coded) {
			return err
		}
		return usageError(cmd, err)
	}
}

func usageError(cmd *cobra.Command, err error) error {
	return &exitError{exitUsage, fmt.Errorf("%w\ntry: %s --help", err, cmd.CommandPath())}
}
