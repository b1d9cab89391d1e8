package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/daemon"
	"fcgi-supervisor/internal/notify"
)

func newRunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [flags] [-- COMMAND ARG...]",
		Short: "Run the supervisor in the foreground",
		Long: `Run the supervisor in the foreground: the pools of the configuration, or one
pool that the flags describe and that needs no file.

A configuration with mistakes is refused with exit code 2, unless workers of an
earlier supervisor live: then it goes on with the configuration from before.`,
		Example: `  fcgi-supervisor run --config /etc/fcgi-supervisor/fcgi-supervisor.toml
  fcgi-supervisor run --listen unix:/run/app.sock --processes 5 --user www-data -- /var/www/app/app.fcgi`,
	}
	registerPoolFlags(cmd.Flags(), true)
	check := cmd.Flags().Bool("check-handover", false, "say whether this program could take the place of the one that runs, and end")
	_ = cmd.Flags().MarkHidden("check-handover")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := runConfig(cmd, args)
		var mistakes error
		if fromFile := len(args)+len(typedFlags(cmd)) == 0; err != nil && fromFile && !*check {
			cfg, mistakes, err = resume(cmd, err)
		}
		if err != nil {
			if manager, _ := notify.Find(); manager != nil { // `systemctl status` shows it
				manager.Status("cannot use the configuration: " + err.Error())
			}
			return err
		}
		if *check {
			answer, err := daemon.CheckHandover(cfg, version)
			if err != nil {
				return cannot("take over", err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), answer)
			return err
		}
		self, _ := os.Executable()
		err = daemon.Run(cmd.Context(), cfg, daemon.Options{Version: version, Mistakes: mistakes, Exit: os.Exit, Binary: self, Args: os.Args[1:]})
		if err == nil {
			return nil
		}
		err = fmt.Errorf("cannot run: %w", err)
		if errors.Is(err, daemon.ErrRefused) {
			return &exitError{exitUsage, err}
		}
		return err
	}
	return cmd
}

// resume is the configuration from before, where the file has mistakes by now and
// workers live that need somebody to mind them.
func resume(cmd *cobra.Command, mistakes error) (cfg *config.Config, before, err error) {
	cfg, err = daemon.Resume(runtimeFolder(cmd), configPath(cmd))
	switch {
	case errors.Is(err, daemon.ErrRestartRefused): // not the exit code that keeps systemd from starting us again
		complain(mistakes)
		return nil, nil, fmt.Errorf("cannot restart: %w", err)
	case err != nil || cfg == nil:
		return nil, nil, mistakes
	}
	return cfg, mistakes, nil
}

// registerPoolFlags gives every pool key its flag, from the same table that reads
// the configuration, and the supervisor's keys too if asked.
func registerPoolFlags(flags *pflag.FlagSet, supervisor bool) {
	registerFlags(flags, slices.DeleteFunc(config.PoolFlags(), func(f config.FlagInfo) bool { return f.Supervisor && !supervisor }))
}

func registerFlags(flags *pflag.FlagSet, list []config.FlagInfo) {
	for _, f := range list {
		flag := flags.VarPF(&poolFlag{kind: string(f.Kind)}, f.Name, "", f.Help)
		flag.DefValue = f.Default
		if f.Kind == config.FlagBool {
			flag.NoOptDefVal = "true"
		}
	}
}

// poolFlag keeps what was typed: config judges it, with all other mistakes.
type poolFlag struct {
	kind   string
	values []string
}

func (f *poolFlag) String() string     { return "" }
func (f *poolFlag) Type() string       { return f.kind }
func (f *poolFlag) Set(s string) error { f.values = append(f.values, s); return nil }

// runConfig takes the command after -- for a pool of its own, and the
// configuration file otherwise.
func runConfig(cmd *cobra.Command, args []string) (*config.Config, error) {
	typed := typedFlags(cmd)
	if len(args) == 0 && len(typed) == 0 {
		return loadConfig(cmd)
	}
	cfg, err := config.FromFlags(config.Flags{Values: typed, Command: args})
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return &cfg, nil
}

// typedFlags are the values of the pool's flags, by name, as typed.
func typedFlags(cmd *cobra.Command) map[string][]string {
	typed := map[string][]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if p, ok := f.Value.(*poolFlag); ok {
			typed[f.Name] = p.values
		}
	})
	return typed
}

func loadConfig(cmd *cobra.Command) (*config.Config, error) {
	cfg, err := config.Load(configPath(cmd))
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return cfg, nil
}
