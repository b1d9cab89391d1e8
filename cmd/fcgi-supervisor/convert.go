package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/convert"
)

func newConvertCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "convert " + strings.Join(convert.Names(), "|") + " FILE|-- ARGS",
		Short: "Print our configuration for that of another process manager",
		Long: `Print our configuration for that of another process manager. Every option that
it finds stands in the result: as a key, with a comment if its meaning changes,
or in a comment that says why it is not carried over. Includes are read.`,
		Example: `  fcgi-supervisor convert supervisord /etc/supervisor/supervisord.conf
  fcgi-supervisor convert spawn-fcgi -- spawn-fcgi -s /run/app.sock -F 5 -- /srv/app/app.fcgi`,
		Args: convertArguments,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return convert.Names(), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var text string
			var err error
			if cmd.ArgsLenAtDash() == 1 {
				text, err = convert.FromArgs(args[0], args[1:])
			} else {
				text, err = convert.FromFile(args[0], args[1])
			}
			if err != nil {
				return cannot("convert", err)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
}

func convertArguments(cmd *cobra.Command, args []string) error {
	dash := cmd.ArgsLenAtDash()
	switch {
	case len(args) == 0 || dash == 0:
		return usageError(cmd, errors.New("name what to convert from ("+strings.Join(convert.Names(), ", ")+"), and a file"))
	case dash < 0 && len(args) == 2, dash == 1:
		return nil
	case dash < 0 && len(args) == 1:
		hint := "name the file to convert"
		if convert.TakesArgs(args[0]) {
			hint += ", or the command after --"
		}
		return usageError(cmd, errors.New(hint))
	}
	return usageError(cmd, errors.New("want one file, or a command after --"))
}
