package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
)

const defaultConfig = "/etc/fcgi-supervisor/fcgi-supervisor.toml"

// completionPatience is how long a person who has pressed TAB waits.
const completionPatience = time.Second

// addCommonFlags gives a command and those below it the flags that say which
// supervisor is meant.
func addCommonFlags(cmd *cobra.Command) {
	cmd.PersistentFlags().String("config", "", "configuration `FILE` (default $FCGI_SUPERVISOR_CONFIG, else "+defaultConfig+")")
	cmd.PersistentFlags().String("control", "", "control `SOCKET` of the supervisor (default control.sock in its runtime directory)")
}

// configPath is the configuration file that is meant, whether it exists or not.
func configPath(cmd *cobra.Command) string {
	given, _ := cmd.Flags().GetString("config")
	return cmp.Or(given, os.Getenv("FCGI_SUPERVISOR_CONFIG"), defaultConfig)
}

// newClient is a client of the supervisor that is meant.
func newClient(cmd *cobra.Command) (*control.Client, error) {
	path, err := controlPath(cmd)
	if err != nil {
		return nil, err
	}
	return control.NewClient(path), nil
}

// controlPath is the control socket that is meant: the one given, else that of
// the configuration, else that of a supervisor without one.
func controlPath(cmd *cobra.Command) (string, error) {
	if given, _ := cmd.Flags().GetString("control"); given != "" {
		return given, nil
	}
	file := configPath(cmd)
	_, missing := os.Stat(file)
	if missing != nil && cmd.Flags().Changed("config") {
		return "", &exitError{exitUsage, fmt.Errorf("cannot read the configuration: %w", missing)}
	}
	if dir := config.RuntimeDirOf(file); dir != config.DefaultRuntimeDir() {
		return control.SocketPath(dir), nil
	}
	return usualSocket(), nil // the default is ours, not that of who runs it
}

// usualSocket is that of the user's own supervisor, or the system's if that is
// the only one.
func usualSocket() string {
	own := control.SocketPath(config.DefaultRuntimeDir())
	system := control.SocketPath(config.SystemRuntimeDir)
	if !exists(own) && exists(system) {
		return system
	}
	return own
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// completePools completes the names of pools; at most limit of them, 0 for no
// limit.
func completePools(limit int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if limit > 0 && len(args) >= limit {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names, _ := poolNames(cmd, completionPatience) // a shell has no use for an error here
		names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) })
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// poolNames asks the supervisor for the names of all pools. patience is 0 for as
// long as a command waits.
func poolNames(cmd *cobra.Command, patience time.Duration) ([]string, error) {
	ctx := cmd.Context()
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	client, err := newClient(cmd)
	if err != nil {
		return nil, err
	}
	status, err := client.Status(ctx, "")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range status.Pools {
		names = append(names, p.Name)
	}
	return names, nil
}
