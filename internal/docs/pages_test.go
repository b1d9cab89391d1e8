package main

// What the generator makes of a small program and a small table. Not covered:
// that the pages in docs/ are current; `make docs-current` tests that.

import (
	"strings"
	"testing"
)

var example = []command{
	{Name: "prog", Usage: "prog [flags]", Short: "Do things", Common: []flag{{Name: "config", Value: "FILE", Usage: "the file"}}},
	{Name: "prog show", Usage: "prog show [THING]", Short: "Show things", Long: "Show things:\n.all of them.",
		Example: "  prog show\n  prog show -n 3",
		Flags:   []flag{{Name: "lines", Letter: "n", Value: "int", Default: "10", Usage: `how many | few`}, {Name: "all", Default: "false", Usage: "all"}}},
}

func TestReferenceOfACommand(t *testing.T) {
	page := cliPage(example)
	for _, want := range []string{
		"| `--config FILE` |  | the file |",
		"| `-n, --lines INT` | `10` | how many \\| few |",
		"| `--all` |  | all |",
		"```sh\nprog show\nprog show -n 3\n```",
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no line %q in:\n%s", want, page)
		}
	}
}

func TestManualOfACommand(t *testing.T) {
	page := commandManual(example[1], example)
	for _, want := range []string{
		".TH PROG\\-SHOW 1 \"\" fcgi-supervisor \"User Commands\"",
		"prog\\-show \\- Show things",
		"Show things:\n\\&.all of them.", // else groff takes it for a macro
		".B \\-n, \\-\\-lines INT\nhow many | few (default: 10)",
		".B \\-\\-config FILE\nthe file",
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no line %q in:\n%s", want, page)
		}
	}
}

func TestManualOfTheConfiguration(t *testing.T) {
	page := configurationManual("# Configuration\n\n<!-- made -->\n\nIt is TOML.\n\n## `[pool.NAME]`\n\nA pool.\n\n" +
		"| key | type | default | flag | meaning |\n|---|---|---|---|---|\n| `umask` | mode | `\"0022\"` | `--umask` | Not `given`. |\n")
	for _, want := range []string{".SH [POOL.NAME]", ".PP\nIt is TOML.", ".B umask\nNot given.\n(mode; default: \"0022\"; flag: \\-\\-umask)"} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no line %q in:\n%s", want, page)
		}
	}
	if strings.Contains(page, "<!--") {
		t.Error("the remark for editors of the Markdown page is in the manual page")
	}
}
