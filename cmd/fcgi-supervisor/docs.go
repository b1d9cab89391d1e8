package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandPage is what the reference pages say of one command. Only internal/docs
// reads it, and it is built with us: the names are no promise.
type commandPage struct {
	Name        string // "fcgi-supervisor status"
	Usage       string
	Short, Long string
	Example     string
	Flags       []flagPage // its own
	Common      []flagPage // those for all commands below it
}

type flagPage struct {
	Name, Letter   string // without dashes; Letter may be empty
	Value          string // what it takes, as in FILE; empty for a switch
	Default, Usage string
}

// newDocsCommand prints the commands as JSON, from which internal/docs writes
// the reference and the manual pages. (cobra/doc would do it for two more modules
// in every build.)
func newDocsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "docs",
		Short:  "Print a description of all commands, for the documents",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printJSON(cmd.OutOrStdout(), pagesOf(cmd.Root()))
		},
	}
}

// pagesOf describes a command and those below it, in the order of help.
func pagesOf(cmd *cobra.Command) []commandPage {
	pages := []commandPage{{Name: cmd.CommandPath(), Usage: cmd.UseLine(), Short: cmd.Short, Long: cmd.Long,
		Example: cmd.Example, Flags: flagsOf(cmd.LocalNonPersistentFlags()), Common: flagsOf(cmd.PersistentFlags())}}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			pages = append(pages, pagesOf(sub)...)
		}
	}
	return pages
}

func flagsOf(set *pflag.FlagSet) []flagPage {
	flags := []flagPage{}
	set.VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		if !f.Hidden && f.Name != "help" {
			flags = append(flags, flagPage{Name: f.Name, Letter: f.Shorthand, Value: value, Default: f.DefValue, Usage: usage})
		}
	})
	return flags
}
