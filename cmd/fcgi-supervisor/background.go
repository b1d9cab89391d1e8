package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/daemon"
	"fcgi-supervisor/internal/service"
)

// startPatience bounds the init script's start: longer than any start_timeout
// that makes sense at boot.
const startPatience = 10 * time.Minute

// newBackgroundCommand is what the init script starts us by.
func newBackgroundCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "background --pid-file FILE --log-file FILE -- run ARG...",
		Short:  "Start this program in the background and wait until it is ready",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
	}
	pid := cmd.Flags().String("pid-file", "", "gets the pid and the start time")
	log := cmd.Flags().String("log-file", "", "gets what it says")
	_ = cmd.MarkFlagRequired("pid-file")
	_ = cmd.MarkFlagRequired("log-file")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		program, err := os.Executable()
		if err != nil {
			return cannot("start", err)
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), startPatience)
		defer cancel()
		status, err := service.Daemon{Program: program, Args: args, PIDFile: *pid, LogFile: *log}.Start(ctx)
		if err != nil {
			return cannot("start", err)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "fcgi-supervisor: "+harmless(status))
		return nil
	}
	return cmd
}

// newLeftoversCommand is what init systems call when the supervisor has gone.
func newLeftoversCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "leftovers",
		Short:  "End what a supervisor that is gone has left behind",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			folder := runtimeFolder(cmd)
			if daemon.Restarting(folder) {
				return nil
			}
			ended, err := service.EndLeftovers(func() []int { return daemon.Leftovers(folder) })
			if ended > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "fcgi-supervisor: ended %s that had been left behind\n", processes(ended))
			}
			if err != nil {
				return cannot("end what is left", err)
			}
			return nil
		},
	}
}

// newLeaveCommand is what init systems call before they stop the supervisor.
func newLeaveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "leave",
		Short:  "Have the supervisor leave its workers to the next one, if it is to be restarted",
		Hidden: true,
		Args:   noArguments,
	}
	restart := cmd.Flags().Bool("restart", false, "it is; else systemd is asked")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		err := daemon.MarkRestart(runtimeFolder(cmd), *restart || service.Restarting())
		if err != nil {
			return cannot("prepare the stop", err)
		}
		return nil
	}
	return cmd
}

// runtimeFolder is that of the supervisor, also when its configuration has mistakes
// by now.
func runtimeFolder(cmd *cobra.Command) string { return config.RuntimeDirOf(configPath(cmd)) }

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}
