package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func newCompletionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the script that lets a shell complete commands, flags and pools",
		Example: `  fcgi-supervisor completion bash > /etc/bash_completion.d/fcgi-supervisor
  fcgi-supervisor completion fish > ~/.config/fish/completions/fcgi-supervisor.fish`,
		ValidArgs: []cobra.Completion{"bash", "zsh", "fish"},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || cobra.OnlyValidArgs(cmd, args) != nil {
				return usageError(cmd, errors.New("name one of the shells bash, zsh and fish"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			const describe = true
			switch args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(cmd.OutOrStdout(), describe)
			case "zsh":
				return cmd.Root().GenZshCompletion(cmd.OutOrStdout())
			}
			return cmd.Root().GenFishCompletion(cmd.OutOrStdout(), describe)
		},
	}
}
