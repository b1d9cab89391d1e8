package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func newCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, and whether this machine can run it",
		Long: `Check the configuration: every mistake at once, each with its file, line and
column; then what only the machine knows: users, permissions along whole paths,
interpreters, socket folders. Exit code 0: nothing wrong; 2: something is.`,
		Example: `  fcgi-supervisor check
  fcgi-supervisor check --config ./fcgi-supervisor.toml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			fatal := false
			for _, p := range cfg.CheckMachine() {
				kind := "warning: "
				if p.Fatal {
					kind, fatal = "", true
				}
				fmt.Fprintln(os.Stderr, kind+p.String())
			}
			if fatal {
				return &exitError{exitUsage, errors.New("the configuration is well written, but cannot run on this machine")}
			}
			if len(cfg.Pools) == 0 {
				return &exitError{exitUsage, fmt.Errorf("%s has no pool; try: a table [pool.NAME] with command and listen", cfg.Path)}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: ok, %s in %s\n", cfg.Path, count(len(cfg.Pools), "pool"), count(len(cfg.Files), "file"))
			return nil
		},
	}
}
