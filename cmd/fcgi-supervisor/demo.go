package main

import (
	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/demo"
)

func newDemoCommand() *cobra.Command {
	options := demo.Options{Version: version}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show what this is: five workers on one socket, with nothing else installed",
		Long: `Show what this is: this program starts itself as five FastCGI workers on one
socket, supervises them, and puts a small web server in front. The page tells
which worker made it and has a button that crashes one.`,
		Example: `  fcgi-supervisor demo
  fcgi-supervisor demo --http 127.0.0.1:9000`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options.Out = cmd.OutOrStdout()
			if err := demo.Run(cmd.Context(), options); err != nil {
				return cannot("show the demo", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&options.HTTP, "http", "", "address of the page (default: the first free port from 127.0.0.1:8000)")
	return cmd
}

// newDemoWorkerCommand is what the demo starts five times.
func newDemoWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    demo.WorkerCommand,
		Short:  "The FastCGI application of the demo",
		Hidden: true,
		Args:   noArguments,
		RunE:   func(*cobra.Command, []string) error { return demo.Worker() },
	}
}
