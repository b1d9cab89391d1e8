package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/supervisor"
)

// actionTimeout is longer than a pool with the default start_timeout and
// stop_timeout takes as a rule.
const actionTimeout = 2 * time.Minute

func newStartCommand() *cobra.Command {
	cmd := newPoolsCommand(supervisor.ActionStart, `  fcgi-supervisor start blog
  fcgi-supervisor start --all --timeout 30s`)
	cmd.Short = "Start pools and wait until all workers are ready"
	return cmd
}

func newStopCommand() *cobra.Command {
	cmd := newPoolsCommand(supervisor.ActionStop, `  fcgi-supervisor stop blog shop
  fcgi-supervisor stop --all --timeout 0`)
	cmd.Short = "Stop pools: finish requests, end the workers, give the address up"
	return cmd
}

func newReloadCommand() *cobra.Command {
	cmd := newPoolsCommand(supervisor.ActionReload, `  fcgi-supervisor reload blog
  fcgi-supervisor reload --all`)
	cmd.Short = "Bring up a new generation of workers, then let the old one finish"
	cmd.Long = `Read the configuration again, bring up a new generation of workers with what it
says, then let the old one finish: no request is lost. Returns when the new
generation serves. A new generation that fails is dropped, the old one serves
on, and the last lines of the failure are printed. A configuration with mistakes
changes nothing; all of them are printed, and the exit code is 2.

--all also starts pools that are new in the configuration, and ends those that
it has no more.`
	return cmd
}

func newRestartCommand() *cobra.Command {
	cmd := newPoolsCommand(supervisor.ActionRestart, `  fcgi-supervisor restart blog
  fcgi-supervisor restart --all --all-at-once`)
	cmd.Short = "Replace the workers of pools one by one, without losing a request"
	cmd.Flags().Bool("all-at-once", false, "end all workers, then start all; clients wait meanwhile")
	return cmd
}

func newScaleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scale POOL N",
		Short: "Change how many workers a pool has, until the supervisor ends",
		Example: `  fcgi-supervisor scale blog 10
  fcgi-supervisor scale blog 2 --timeout 30s`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError(cmd, errors.New("scale takes a pool and the number of its workers"))
			}
			if _, err := strconv.Atoi(args[1]); err != nil {
				return usageError(cmd, fmt.Errorf("%q is not a number of workers", args[1]))
			}
			return nil
		},
		ValidArgsFunction: completePools(1),
	}
	format := addOutputFlag(cmd)
	addTimeoutFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		processes, _ := strconv.Atoi(args[1])
		return act(cmd, *format, map[string]supervisor.Action{args[0]: supervisor.ActionScale}, control.Options{Processes: processes})
	}
	return cmd
}

// newPoolsCommand is a command that is given to pools.
func newPoolsCommand(action supervisor.Action, examples string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     string(action) + " POOL...|--all",
		Example: examples,
		Args: func(cmd *cobra.Command, args []string) error {
			if all, _ := cmd.Flags().GetBool("all"); all == (len(args) > 0) {
				return usageError(cmd, errors.New("name the pools, or give --all"))
			}
			return nil
		},
		ValidArgsFunction: completePools(0),
	}
	cmd.Flags().Bool("all", false, "all pools")
	format := addOutputFlag(cmd)
	addTimeoutFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, pools []string) error {
		orders := map[string]supervisor.Action{}
		for _, pool := range pools {
			orders[pool] = action
		}
		if len(pools) == 0 {
			if err := orderAll(cmd, action, orders); err != nil {
				return err
			}
		}
		atOnce := false
		if flag := cmd.Flags().Lookup("all-at-once"); flag != nil {
			atOnce = flag.Value.String() == "true"
		}
		return act(cmd, *format, orders, control.Options{AllAtOnce: atOnce})
	}
	return cmd
}

// orderAll orders the action for every pool. Before a reload the configuration is
// read again, which may have others.
func orderAll(cmd *cobra.Command, action supervisor.Action, orders map[string]supervisor.Action) error {
	var change control.Change
	if action == supervisor.ActionReload {
		client, err := newClient(cmd)
		if err != nil {
			return err
		}
		say := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), harmless(line)) }
		if change, err = client.Reread(cmd.Context(), say); err != nil {
			return cannot("reload the pools", err)
		}
	}
	pools, err := poolNames(cmd, 0)
	if err != nil {
		return cannot(string(action)+" the pools", err)
	}
	for _, pool := range pools {
		orders[pool] = action
	}
	for _, pool := range change.Added {
		orders[pool] = supervisor.ActionStart // it is new already
	}
	return nil
}

func addTimeoutFlag(cmd *cobra.Command) {
	cmd.Flags().Duration("timeout", actionTimeout, "how long to wait for the outcome; what was begun goes on; 0: no limit")
}

// result is what became of a command given to one pool.
type result struct {
	Pool   string   `json:"pool"`
	OK     bool     `json:"ok"`
	Text   string   `json:"text"`
	Output []string `json:"output,omitempty"`
	err    error    // refused, or the outcome is not known
}

// act gives each pool its order, all at once, and prints what becomes of it as it
// comes.
func act(cmd *cobra.Command, format outputFormat, orders map[string]supervisor.Action, o control.Options) error {
	timeout, _ := cmd.Flags().GetDuration("timeout")
	if timeout < 0 {
		return usageError(cmd, fmt.Errorf("--timeout %s is less than nothing", timeout))
	}
	o.Timeout = timeout.String()
	client, err := newClient(cmd)
	if err != nil {
		return err
	}
	pools := slices.Sorted(maps.Keys(orders))
	show := newProgress(screenOf(cmd.ErrOrStderr()), pools)
	updates := make(chan update)
	for _, pool := range pools {
		go give(cmd.Context(), client, pool, orders[pool], o, updates)
	}
	failed := false
	var general error // about no pool
	var mistakes control.Mistakes
	for range pools {
		r := show.wait(updates)
		failed = failed || !r.OK
		if errors.Is(r.err, control.ErrNotRunning) || errors.As(r.err, &mistakes) {
			general = cannot(string(orders[r.Pool])+" "+strings.Join(pools, ", "), r.err)
			continue // said once, however many pools
		}
		printResult(cmd, format, orders[r.Pool], r)
	}
	switch {
	case general != nil:
		return general
	case failed:
		return &exitError{exitFailed, errSilent}
	}
	return nil
}

// update is news of the command to one pool: how far it has got, or its result.
type update struct {
	pool   string
	line   string
	result *result // the last of the pool
}

// give gives a command to one pool and reports on it; it ends with the outcome.
func give(ctx context.Context, client *control.Client, pool string, action supervisor.Action, o control.Options, updates chan<- update) {
	outcome, err := client.Do(ctx, pool, action, o, func(line string) { updates <- update{pool: pool, line: line} })
	r := result{Pool: pool, OK: outcome.OK, Text: outcome.Text, Output: outcome.Output}
	if err != nil {
		r.Text, r.err = err.Error(), err
	}
	updates <- update{pool: pool, result: &r}
}

// printResult tells success on standard output, and failure as errors are told.
func printResult(cmd *cobra.Command, format outputFormat, action supervisor.Action, r *result) {
	switch {
	case format == outputJSON:
		_ = printJSON(cmd.OutOrStdout(), r)
	case r.OK:
		fmt.Fprintln(cmd.OutOrStdout(), harmless(r.Text))
	default:
		text := harmless(strings.TrimPrefix(r.Text, r.Pool+": "))
		fmt.Fprintf(cmd.ErrOrStderr(), "fcgi-supervisor: cannot %s %s: %s\n", action, r.Pool, text)
		printLines(cmd.ErrOrStderr(), "  ", r.Output)
	}
}
