package demo

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary plays the program: a child of it is the demo, and the workers
// that this one starts. Not covered anywhere here: the script of the page, and how
// it looks; a browser is needed for that.

// addressVariable makes a child the demo; its value is Options.HTTP.
const addressVariable = "DEMO_TEST_HTTP"

// endedVariable gives that demo a context that has ended already.
const endedVariable = "DEMO_TEST_ENDED"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == WorkerCommand {
		os.Exit(verdict(Worker()))
	}
	if address, found := os.LookupEnv(addressVariable); found {
		os.Exit(verdict(playDemo(address)))
	}
	goleak.VerifyTestMain(m)
}

func verdict(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func playDemo(address string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if os.Getenv(endedVariable) != "" {
		cancel()
	}
	if err := Run(ctx, Options{HTTP: address, Version: "test", Out: os.Stdout}); err != nil {
		return err
	}
	return goleak.Find()
}
