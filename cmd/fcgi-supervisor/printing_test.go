package main

// How output, events and progress look. Not covered: real terminals.

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"fcgi-supervisor/internal/control"
)

func TestEventLines(t *testing.T) {
	var printed bytes.Buffer
	p := eventPrinter{screen: screenOf(&printed), zone: time.UTC}
	for _, e := range []control.Event{
		{At: noon, Pool: "blog", Kind: "bound", Text: "listening on unix:/run/blog.sock"},
		{At: noon, Pool: "blog", Kind: "started", Text: "started", Slot: of(3), PID: of(4711)},
		{At: noon, Pool: "blog", Kind: "failed", Text: "ended before it was ready", Bad: true, Slot: of(3), PID: of(4711),
			Output: []string{"first", "\x1b[2Jsecond"}},
		{At: noon, Pool: "blog", Kind: "backoff", Text: "1 failed start in a row", Bad: true},
	} {
		if err := p.print(e); err != nil {
			t.Fatal(err)
		}
	}
	want := `2026-11-22 12:00:00  blog  listening on unix:/run/blog.sock
2026-11-22 12:00:00  blog/3[4711]  started
2026-11-22 12:00:00  blog/3[4711]  ended before it was ready
    | first
    | \x1b[2Jsecond
2026-11-22 12:00:00  blog          1 failed start in a row
`
	if printed.String() != want {
		t.Errorf("printed\n%swant\n%s", printed.String(), want)
	}
}

func TestLogLines(t *testing.T) {
	noise := control.LogLine{Pool: "blog", Slot: 3, PID: 4711, Text: "\ufffd\x1b[2J", Raw: []byte("\xff\x1b[2J"), Missed: 12}
	for _, c := range []struct {
		look screen
		want string
	}{
		{screen{}, "(12 lines of blog lost: they came faster than they were read)\nblog/3[4711] | \xff\x1b[2J\n"},
		{screen{terminal: true}, "(12 lines of blog lost: they came faster than they were read)\nblog/3[4711] | \\xff\\x1b[2J\n"},
		{screen{terminal: true, colour: true}, yellow + "(12 lines of blog lost: they came faster than they were read)" + normal + "\n" +
			slotColours[3] + "blog/3[4711] |" + normal + " \\xff\\x1b[2J\n"},
	} {
		var printed bytes.Buffer
		c.look.Writer = &printed
		if err := (linePrinter{c.look}).print(noise); err != nil || printed.String() != c.want {
			t.Errorf("%q, %v; want %q", printed.String(), err, c.want)
		}
	}
}

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		width    int
		want     string
	}{
		{false, 0, ""},
		{true, 0, clearLine + "shop: 1 of 2" + clearLine + "blog: 3 of 5; shop: 1 of 2" + clearLine},
		{true, 20, clearLine + "shop: 1 of 2" + clearLine + "blog: 3 of 5; shop:" + clearLine},
	} {
		var printed bytes.Buffer
		p := newProgress(screen{Writer: &printed, terminal: c.terminal, width: c.width}, []string{"blog", "shop"})
		updates := make(chan update, 3)
		updates <- update{pool: "shop", line: "1 of 2"}
		updates <- update{pool: "blog", line: "3 of 5"}
		updates <- update{pool: "shop", result: &result{Pool: "shop", OK: true}}
		if r := p.wait(updates); r.Pool != "shop" || printed.String() != c.want {
			t.Errorf("%+v: %+v, %q; want %q", c, r, printed.String(), c.want)
		}
		if left := p.line(); left != "blog: 3 of 5" {
			t.Errorf("still under way: %q", left)
		}
	}
}

// TestUsageMistakes wants exit code 2 and what to try, in two lines.
func TestUsageMistakes(t *testing.T) {
	for _, line := range []string{
		"status a b", "status --output yaml", "start", "start --all blog", "stop --timeout soon blog", "stop --timeout -1s blog",
		"scale blog", "scale blog many", "logs a b", "logs -n -3", "events -n x", "request blog", "request /run/x.sock /",
		"request unix:/nobody / -H broken", "completion", "completion tcsh", "version 2", "status --config /nobody.toml",
	} {
		root := newRoot()
		root.SetArgs(strings.Fields(line))
		root.SetOut(new(bytes.Buffer))
		root.SetErr(new(bytes.Buffer))
		err := root.Execute()
		if err == nil || exitCode(err) != exitUsage {
			t.Errorf("%s: %v, want exit code 2", line, err)
		} else if strings.Count(err.Error(), "\n") > 1 {
			t.Errorf("%s: more than two lines: %v", line, err)
		}
	}
}

func TestNotRunningIsToldOnce(t *testing.T) {
	for _, line := range []string{"status", "stop a b c", "restart --all", "scale a 2", "logs -f", "events", "request blog /"} {
		var printed bytes.Buffer
		root := newRoot()
		root.SetArgs(append(strings.Fields(line), "--control", t.TempDir()+"/none.sock"))
		root.SetOut(&printed)
		root.SetErr(&printed)
		err := root.Execute()
		if err == nil || exitCode(err) != exitNotRunning || !strings.HasPrefix(err.Error(), "cannot reach the supervisor at ") || printed.Len() > 0 {
			t.Errorf("%s: %v, printed %q; want exit code 3 and one message", line, err, printed.String())
		}
	}
}
