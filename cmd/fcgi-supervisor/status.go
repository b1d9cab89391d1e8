package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/control"
)

func newStatusCommand() *cobra.Command {
	var all, ready, watch bool
	cmd := &cobra.Command{
		Use:   "status [POOL]",
		Short: "Show pools and their workers",
		Example: `  fcgi-supervisor status
  fcgi-supervisor status blog --output json
  fcgi-supervisor status --ready   # exit code 0 or 1: a probe for scripts and containers`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError(cmd, fmt.Errorf("status shows one pool or all; %d were named", len(args)))
			}
			return nil
		},
		ValidArgsFunction: completePools(1),
	}
	cmd.Flags().BoolVar(&all, "all", false, fmt.Sprintf("show every worker of pools that have more than %d", manyWorkers))
	cmd.Flags().BoolVar(&ready, "ready", false, "only say whether every pool that is wanted has a ready worker and is not unhealthy, also by the exit code")
	cmd.Flags().BoolVar(&watch, "watch", false, "keep it on the screen, and up to date, until Ctrl-C")
	format := addOutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		pool := optional(args)
		client, err := newClient(cmd)
		if err != nil {
			return err
		}
		switch {
		case ready && (watch || pool != ""), (ready || watch) && *format == outputJSON:
			return usageError(cmd, errors.New("--ready takes no pool and no other flag, --watch no --output json"))
		case ready:
			return showReady(cmd, client)
		case watch:
			return watchStatus(cmd, client, pool, all)
		}
		status, err := client.Status(cmd.Context(), pool)
		if err != nil {
			return cannot("show the status", err)
		}
		if *format == outputJSON {
			return printJSON(cmd.OutOrStdout(), status)
		}
		shown := picture{screen: screenOf(cmd.OutOrStdout()), now: time.Now(), all: all}
		shown.print(status.Pools)
		return nil
	}
	return cmd
}

// optional is the one argument, if there is one.
func optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// manyWorkers is how many workers of a pool are shown unless all are wanted.
const manyWorkers = 16

// picture prints pools for people, as of now.
type picture struct {
	screen
	now time.Time
	all bool // however many workers
}

// print has each pool in a line, and what there is to say of it below.
func (p picture) print(pools []control.Pool) {
	lines := p.overview(pools)
	fmt.Fprintln(p, lines[0])
	for i, pool := range pools {
		if i > 0 {
			fmt.Fprintln(p)
		}
		fmt.Fprintln(p, lines[i+1])
		p.printTroubles(pool, math.MaxInt)
		p.printWorkers(pool.Workers)
	}
}

// printForScreen has all pools at the top and trouble next: what a screen is too small
// for is what matters least.
func (p picture) printForScreen(pools []control.Pool) {
	for _, line := range p.overview(pools) {
		fmt.Fprintln(p, line)
	}
	details := slices.Clone(pools)
	slices.SortStableFunc(details, func(a, b control.Pool) int {
		return min(len(b.Troubles(p.now)), 1) - min(len(a.Troubles(p.now)), 1)
	})
	for _, pool := range details {
		if len(pool.Workers) == 0 && len(pool.Troubles(p.now)) == 0 {
			continue
		}
		fmt.Fprintln(p)
		if len(pools) > 1 {
			fmt.Fprintln(p, p.paint(bold, pool.Name))
		}
		p.printTroubles(pool, screenOutput)
		p.printWorkers(pool.Workers)
	}
}

// overview is a title and a line for each pool.
func (p picture) overview(pools []control.Pool) []string {
	t := table{columns: []column{{title: "POOL"}, {title: "STATE"}, {title: "READY", right: true}, {title: "BUSY", right: true},
		{title: "QUEUE", right: true}, {title: "GEN", right: true}, {title: "LISTEN"}}}
	for _, pool := range pools {
		t.add(pool.Name, pool.State, fmt.Sprintf("%d/%d", pool.Ready, pool.Wanted), busyWorkers(pool), queue(pool),
			fmt.Sprint(pool.Generation), harmless(pool.Listen))
	}
	lines := t.lines()
	lines[0] = p.paint(bold, lines[0])
	for i, pool := range pools {
		if len(pool.Troubles(p.now)) > 0 {
			lines[i+1] = p.paint(yellow, lines[i+1])
		}
	}
	return lines
}

// screenOutput is how many lines of the output of what failed a watched status has.
const screenOutput = 5

// printTroubles says why a pool is not as it should be, with so many of the last lines
// of output.
func (p picture) printTroubles(pool control.Pool, lines int) {
	for _, trouble := range pool.Troubles(p.now) {
		fmt.Fprintf(p, "  %s\n", p.paint(yellow, harmless(trouble.Text)))
		printLines(p, "  ", trouble.Output[max(0, len(trouble.Output)-lines):])
	}
}

func (p picture) printWorkers(workers []control.Worker) {
	if len(workers) == 0 {
		return
	}
	shown := workers
	if !p.all && len(workers) > manyWorkers {
		shown = workers[:manyWorkers]
	}
	t := table{columns: []column{{title: "SLOT", right: true}, {title: "PID", right: true}, {title: "STATE"}, {title: "BUSY", right: true},
		{title: "UPTIME", right: true}, {title: "RESTARTS", right: true}, {title: "CPU", right: true}, {title: "MEMORY", right: true},
		{title: "FDS", right: true}, {title: "LAST EXIT"}}}
	for _, w := range shown {
		t.add(fmt.Sprint(w.Slot), number(w.PID), w.Phase, p.busy(w), p.since(w.StartedAt), number(w.Restarts),
			seconds(w.CPUSeconds), memory(w.RSSBytes), number(w.FDs), p.lastExit(w.LastExit))
	}
	for i, line := range t.lines() {
		if i == 0 {
			line = p.paint(grey, line)
		}
		fmt.Fprintln(p, "  "+line)
	}
	if rest := workers[len(shown):]; len(rest) > 0 {
		fmt.Fprintf(p, "  + %d more, %s (--all shows them)\n", len(rest), phases(rest))
	}
}
