package main

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/daemon"
	"fcgi-supervisor/internal/dev"
)

func newDevCommand() *cobra.Command {
	options := dev.Options{Version: version}
	cmd := &cobra.Command{
		Use:   "dev [flags] -- COMMAND [ARG...]",
		Short: "Develop: an HTTP front, reload on save, tracebacks in the browser",
		Long: `Develop: start a FastCGI program with a small web server in front, in the present
folder and with the present environment. Saving a file reloads it, and requests
wait for the new version. If it fails, the browser shows its traceback and last
lines of output. Never for production.`,
		Example: `  fcgi-supervisor dev -- ./app.fcgi
  fcgi-supervisor dev --http :8000 --prefix /app --root static -- python3 app.py`,
	}
	flags := cmd.Flags()
	flags.StringVar(&options.HTTP, "http", "", "address of the front (default: the first free port from 127.0.0.1:8000)")
	flags.StringVar(&options.Prefix, "prefix", "", "`PATH` that the application is mounted at, such as /app")
	flags.StringVar(&options.Root, "root", "", "`FOLDER` whose files the front sends itself")
	registerFlags(flags, dev.Flags())
	for name, value := range map[string]string{"processes": "2", "watch": ".", "watch-debounce": "100ms", "directory": "", "restart-delay-max": "5s",
		"stop-timeout": "10s", "drain-timeout": "10s"} {
		flags.Lookup(name).DefValue = value
	}
	for name, usage := range map[string]string{"directory": "Working directory of the workers (default: the present one)",
		"env": "Variables of the workers, besides all of yours.", "inherit-environment": "Names of those of your variables that workers get (default: all)"} {
		flags.Lookup(name).Usage = usage
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		options.Values, options.Command = typedFlags(cmd), args
		options.Out, options.Keys = cmd.OutOrStdout(), os.Stdin
		if len(args) == 0 {
			return usageError(cmd, errors.New("name the program after --"))
		}
		if options.Prefix != "" && !strings.HasPrefix(options.Prefix, "/") {
			return usageError(cmd, errors.New("--prefix wants a path such as /app"))
		}
		err := dev.Run(cmd.Context(), options)
		_, mistakes := errors.AsType[config.Errors](err)
		switch {
		case err == nil:
			return nil
		case mistakes:
			return &exitError{exitUsage, err}
		case errors.Is(err, daemon.ErrRefused):
			return &exitError{exitUsage, cannot("run it", err)}
		}
		return cannot("run it", err)
	}
	return cmd
}
