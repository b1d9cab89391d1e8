package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/control"
)

func newLogsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logs [POOL]",
		Short: "Show the recent output of workers",
		Example: `  fcgi-supervisor logs blog -f
  fcgi-supervisor logs -n 20`,
	}
	query, format := addQueryFlags(cmd, "lines"), addOutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		query.Pool = optional(args)
		client, err := newClient(cmd)
		if err != nil {
			return err
		}
		p := linePrinter{screen: screenOf(cmd.OutOrStdout())}
		print := p.print
		if *format == outputJSON {
			print = func(l control.LogLine) error { return printJSON(p, l) }
		}
		if err := client.Logs(cmd.Context(), *query, print); err != nil {
			return cannot("show the output", err)
		}
		return nil
	}
	return cmd
}

// addQueryFlags gives a command that shows the past and follows what comes its
// argument and flags.
func addQueryFlags(cmd *cobra.Command, what string) *control.Query {
	q := &control.Query{}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usageError(cmd, fmt.Errorf("%s shows one pool or all; %d were named", cmd.Name(), len(args)))
		}
		if cmd.Flags().Changed("lines") && q.Last < 0 {
			return usageError(cmd, errors.New("-n wants a number that is not negative"))
		}
		return nil
	}
	cmd.ValidArgsFunction = completePools(1)
	cmd.Flags().BoolVarP(&q.Follow, "follow", "f", false, "go on with those to come")
	cmd.Flags().IntVarP(&q.Last, "lines", "n", -1, "show only the last `N` "+what+" of those there are")
	cmd.Flags().Lookup("lines").DefValue = "all" // what a person reads; pflag would say -1
	return q
}

// linePrinter prints output of workers for people: escaped on a terminal, the
// very bytes elsewhere.
type linePrinter struct{ screen }

func (p linePrinter) print(l control.LogLine) error {
	if l.Missed > 0 {
		fmt.Fprintln(p, p.paint(yellow, fmt.Sprintf("(%s of %s lost: they came faster than they were read)", count(int(l.Missed), "line"), l.Pool)))
	}
	who := fmt.Sprintf("%s/%d[%d]", l.Pool, l.Slot, l.PID)
	text := l.Bytes()
	if p.terminal {
		text = []byte(harmless(string(text)))
	}
	_, err := fmt.Fprintf(p, "%s %s\n", p.paint(slotColours[l.Slot%len(slotColours)], who+" |"), text)
	return err
}
