package main

import (
	"context"
	"errors"
	"fmt"
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
	cmd.Long = `Bring up a new generation of workers, then let the old one finish: no request is
lost. Returns when the new generation serves. A new generation that fails is
dropped, the old one serves on, and the last lines of the failure are printed.`
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
		return act(cmd, *format, supervisor.ActionScale, args[:1], control.Options{Processes: processes})
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
		if len(pools) == 0 {
			var err error
			if pools, err = poolNames(cmd, 0); err != nil {
				return cannot(string(action)+" the pools", err)
			}
		}
		atOnce := false
		if flag := cmd.Flags().Lookup("all-at-once"); flag != nil {
			atOnce = flag.Value.String() == "true"
		}
		slices.Sort(pools)
		return act(cmd, *format, action, slices.Compact(pools), control.Options{AllAtOnce: atOnce})
	}
	return cmd
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

// act gives a command to pools, to all of them at once, and prints what becomes
// of it as it comes.
func act(cmd *cobra.Command, format outputFormat, action supervisor.Action, pools []string, o control.Options) error {
	timeout, _ := cmd.Flags().GetDuration("timeout")
	if timeout < 0 {
		return usageError(cmd, fmt.Errorf("--timeout %s is less than nothing", timeout))
	}
	o.Timeout = timeout.String()
	client, err := newClient(cmd)
	if err != nil {
		return err
	}
	show := newProgress(screenOf(cmd.ErrOrStderr()), pools)
	updates := make(chan update)
	for _, pool := range pools {
		go give(cmd.Context(), client, pool, action, o, updates)
	}
	failed := false
	var notRunning error
	for range pools {
		r := show.wait(updates)
		failed = failed || !r.OK
		if errors.Is(r.err, control.ErrNotRunning) {
			notRunning = r.err
			continue // said once, however many pools
		}
		printResult(cmd, format, action, r)
	}
	switch {
	case notRunning != nil:
		return notRunning
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
