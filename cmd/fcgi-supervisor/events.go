package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/control"
)

func newEventsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events [POOL]",
		Short: "Show what happened: starts, ends with their reason, back-off, commands",
		Example: `  fcgi-supervisor events -f
  fcgi-supervisor events blog -n 20`,
	}
	query, format := addQueryFlags(cmd, "events"), addOutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		query.Pool = optional(args)
		client, err := newClient(cmd)
		if err != nil {
			return err
		}
		p := eventPrinter{screen: screenOf(cmd.OutOrStdout()), zone: time.Local}
		print := p.print
		if *format == outputJSON {
			print = func(e control.Event) error { return printJSON(p, e) }
		}
		if err := client.Events(cmd.Context(), *query, print); err != nil {
			return cannot("show the events", err)
		}
		return nil
	}
	return cmd
}

// eventPrinter prints events for people: time, who, what.
type eventPrinter struct {
	screen
	zone  *time.Location
	width int // of the longest name so far
}

// widestName bounds the column of names: one long name must not push all others
// out of sight.
const widestName = 32

func (p *eventPrinter) print(e control.Event) error {
	who := e.Pool
	if e.Slot != nil {
		who += fmt.Sprintf("/%d", *e.Slot)
	}
	if e.PID != nil {
		who += fmt.Sprintf("[%d]", *e.PID)
	}
	p.width = min(max(p.width, len(who)), widestName)
	text := harmless(e.Text)
	if e.Bad {
		text = p.paint(yellow, text)
	}
	at := e.At.In(p.zone).Format(time.DateTime)
	_, err := fmt.Fprintf(p, "%s  %-*s  %s\n", p.paint(grey, at), p.width, who, text)
	printLines(p, "    ", e.Output)
	return err
}
