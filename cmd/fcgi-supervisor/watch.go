package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/control"
)

// watchPause is how often a watched status is asked for.
const watchPause = time.Second

// Control sequences of terminals (ECMA-48, xterm): the other screen, which leaves
// what was on this one, without a cursor and with long lines cut off; home; the rest of a line and of the screen.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leaveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearToEnd  = "\x1b[K"
	clearRest   = "\x1b[J"
)

// watchStatus shows the status until it is interrupted. That the supervisor is gone
// for a while is shown too: it may come back.
func watchStatus(cmd *cobra.Command, client *control.Client, pool string, all bool) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := screenOf(cmd.OutOrStdout())
	if out.terminal {
		fmt.Fprint(out, enterScreen)
		defer fmt.Fprint(out, leaveScreen)
	}
	timer := time.NewTicker(watchPause)
	defer timer.Stop()
	for {
		status, err := client.Status(ctx, pool)
		if ctx.Err() != nil {
			return nil
		}
		showFrame(out, status, err, all)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// showFrame puts one picture over the one before; where there is no terminal, below
// it. What does not fit is cut off and said to be missing.
func showFrame(out screen, status *control.Status, err error, all bool) {
	var frame bytes.Buffer
	fmt.Fprintf(&frame, "%s  %s\n\n", time.Now().Format(time.TimeOnly), out.paint(grey, "Ctrl-C ends this"))
	if err != nil {
		fmt.Fprintln(&frame, out.paint(yellow, harmless(err.Error())))
	} else {
		shown := picture{screen: screen{Writer: &frame, colour: out.colour, width: out.width}, now: time.Now(), all: all}
		shown.printForScreen(status.Pools)
	}
	if !out.terminal {
		_, _ = io.Copy(out, &frame)
		return
	}
	lines := strings.Split(strings.TrimRight(frame.String(), "\n"), "\n")
	if height := out.height(); height > 1 && len(lines) > height {
		lines = append(lines[:height-1], fmt.Sprintf("+ %d more lines; a larger window shows them", len(lines)-height+1))
	}
	fmt.Fprint(out, home+strings.Join(lines, clearToEnd+"\n")+clearToEnd+clearRest)
}
