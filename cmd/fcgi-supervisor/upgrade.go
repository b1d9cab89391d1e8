package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/control"
)

// upgradeTimeout is how long a new program may take until it answers.
const upgradeTimeout = 30 * time.Second

func newUpgradeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "upgrade [--binary FILE]",
		Short: "Replace the running supervisor's program in place",
		Long: `Replace the running supervisor's program in place: by the file that it was
started from, which a package manager may have replaced, or by another. The new
program is first asked whether it understands the configuration and the state;
if not, nothing changes. The process, its workers and their requests stay.`,
		Example: `  fcgi-supervisor upgrade
  fcgi-supervisor upgrade --binary /opt/fcgi-supervisor-0.2/fcgi-supervisor`,
		Args: cobra.NoArgs,
	}
	binary := cmd.Flags().String("binary", "", "the new program, a `FILE` (default the one that was started)")
	format := addOutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path := *binary
		if path != "" {
			absolute, err := filepath.Abs(path)
			if err != nil {
				return cannot("upgrade", err)
			}
			path = absolute
		}
		client, err := newClient(cmd)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), upgradeTimeout)
		defer cancel()
		progress := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
		before, after, err := client.Upgrade(ctx, path, progress)
		if err != nil {
			return cannot("upgrade", err)
		}
		if *format == outputJSON {
			return printJSON(cmd.OutOrStdout(), after.Supervisor)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "upgraded from %s to %s: pid %d, %s kept\n", before.Supervisor.Version,
			after.Supervisor.Version, after.Supervisor.PID, count(kept(before, after), "worker"))
		return err
	}
	return cmd
}

// kept counts the workers that are the same processes as before.
func kept(before, after *control.Status) int {
	pids := map[int]bool{}
	for _, p := range before.Pools {
		for _, w := range p.Workers {
			if w.PID != nil {
				pids[*w.PID] = true
			}
		}
	}
	n := 0
	for _, p := range after.Pools {
		for _, w := range p.Workers {
			if w.PID != nil && pids[*w.PID] {
				n++
			}
		}
	}
	return n
}
