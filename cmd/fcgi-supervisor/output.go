package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/logs"
)

// outputFormat is the value of --output.
type outputFormat string

const (
	outputText outputFormat = "text"
	outputJSON outputFormat = "json"
)

var outputFormats = []string{string(outputText), string(outputJSON)}

func (o *outputFormat) String() string { return string(*o) }
func (o *outputFormat) Type() string   { return "FORMAT" }

func (o *outputFormat) Set(s string) error {
	if !slices.Contains(outputFormats, s) {
		return errors.New("want text or json")
	}
	*o = outputFormat(s)
	return nil
}

// addOutputFlag gives --output to a command that prints state.
func addOutputFlag(cmd *cobra.Command) *outputFormat {
	format := outputText
	cmd.Flags().Var(&format, "output", "text for people, json for programs")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputFormats, cobra.ShellCompDirectiveNoFileComp))
	return &format
}

// printJSON prints a value on one line.
func printJSON(to io.Writer, value any) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

const (
	grey   = "\x1b[90m"
	bold   = "\x1b[1m"
	yellow = "\x1b[33m"
	normal = "\x1b[0m"
)

// slotColours tell neighbouring workers apart; red and white are left to errors
// and plain text.
var slotColours = []string{"\x1b[36m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[33m", "\x1b[96m", "\x1b[92m", "\x1b[95m"}

// screen is where a command prints, and what can be done with it.
type screen struct {
	io.Writer
	terminal bool
	colour   bool // only on a terminal
	width    int  // 0: not known
}

func screenOf(w io.Writer) screen {
	s := screen{Writer: w}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		s.terminal = true
		// https://no-color.org: set and not empty.
		s.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		s.width, _, _ = term.GetSize(int(file.Fd()))
	}
	return s
}

// height is how many lines fit now, 0 if that is not known: windows change.
func (s screen) height() int {
	file, ok := s.Writer.(*os.File)
	if !ok {
		return 0
	}
	_, height, _ := term.GetSize(int(file.Fd()))
	return height
}

func (s screen) paint(colour, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return colour + text + normal
}

// harmless is text that somebody else has written, with what could steer a
// terminal or fake a line made visible.
func harmless(text string) string { return string(logs.AppendEscaped(nil, []byte(text))) }

// printLines prints the last lines of a worker, indented to stand apart.
func printLines(to io.Writer, indent string, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(to, "%s| %s\n", indent, harmless(line))
	}
}

// cannot says what could not be done and why. That the supervisor is not running
// says it by itself.
func cannot(doing string, err error) error {
	if errors.Is(err, control.ErrNotRunning) || strings.HasPrefix(err.Error(), "cannot ") {
		return err
	}
	return fmt.Errorf("cannot %s: %w", doing, err)
}
