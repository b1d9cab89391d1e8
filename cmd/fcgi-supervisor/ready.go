package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/control"
)

// showReady is a probe: what /readyz says, and the exit code of a command that has
// failed where it says no.
func showReady(cmd *cobra.Command, client *control.Client) error {
	text, ready, err := client.Ready(cmd.Context())
	if err != nil {
		return cannot("ask whether it is ready", err)
	}
	fmt.Fprint(cmd.OutOrStdout(), text)
	if !ready {
		return errSilent
	}
	return nil
}
