package main

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func newVersionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Example: `  fcgi-supervisor version
  fcgi-supervisor version --output json`,
		Args: noArguments,
	}
	format := addOutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *format == outputJSON {
			return printJSON(cmd.OutOrStdout(), map[string]string{
				"version": version, "goversion": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
			})
		}
		fmt.Fprintf(cmd.OutOrStdout(), "fcgi-supervisor %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
	}
	return cmd
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(cmd, errors.New(cmd.Name()+" takes no arguments"))
	}
	return nil
}
