// Command fcgi-supervisor keeps FastCGI workers running behind one listening
// socket. main is the only place that ends the process.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

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
	if text := err.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "fcgi-supervisor: "+text)
	}
	os.Exit(exitCode(err))
}

func exitCode(err error) int {
	var coded *exitError
	switch {
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
	}
	root.SetVersionTemplate("fcgi-supervisor {{.Version}}\n")
	root.SetFlagErrorFunc(usageError)
	root.CompletionOptions.DisableDefaultCmd = true
	addCommonFlags(root)
	root.AddCommand(newRunCommand(), newDemoCommand(), newDemoWorkerCommand(), newCheckCommand(), newStatusCommand(), newStartCommand(),
		newStopCommand(), newRestartCommand(), newScaleCommand(), newLogsCommand(), newEventsCommand(),
		newRequestCommand(), newVersionCommand(), newCompletionCommand(), newDocsCommand())
	return root
}

func usageError(cmd *cobra.Command, err error) error {
	return &exitError{exitUsage, fmt.Errorf("%w\ntry: %s --help", err, cmd.CommandPath())}
}
