package e2e

// The pages for people do what they say: their files are written and their commands
// run, in the order of the page, on a machine of their own (namespaces and overlays),
// and what a page shows below a command has to come out of it. Not covered: apt-get installs
// nothing here, it looks whether that is installed; systemctl is a stand-in.

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// guide is a page that is run, and what its reader is supposed to have or to do.
type guide struct {
	name   string            // from the root of the repository
	before string            // a script: what the reader has
	words  []string          // what the reader replaces, as strings.NewReplacer takes it
	files  map[string]string // where a block that begins so is written, if prose does not say it; "+": at the end
	first  map[string]string // a script before the block that begins so: what is said in prose
	apart  []string          // blocks that begin so are not for running
	fails  []string          // blocks that begin so must fail
	after  string            // a script that has to succeed
}

// pageBlock is a fenced block.
type pageBlock struct {
	language, text string
	prose          string // between the block before and this one
	line           int
}

func (b pageBlock) begins(with []string) bool {
	return slices.ContainsFunc(with, func(start string) bool { return strings.HasPrefix(b.text, start) })
}

var fence = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

func blocksOf(text string) (blocks []pageBlock) {
	end := 0
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		blocks = append(blocks, pageBlock{language: text[at[2]:at[3]], text: text[at[4]:at[5]],
			prose: text[end:at[0]], line: strings.Count(text[:at[4]], "\n") + 1})
		end = at[1]
	}
	return blocks
}

// namedFile is the file that prose says is in the block below it: the last one that
// is named, if the sentence is about nothing else.
var namedFile = regexp.MustCompile("`(/[\\w./-]+|[\\w-]+\\.\\w+)`[^`]*\\z")

// command is how the sandbox handles a block, "": not at all.
func (g guide) command(b pageBlock, name string) string {
	found := namedFile.FindStringSubmatch(b.prose)
	mode := "644"
	if strings.HasPrefix(b.text, "#!") {
		mode = "755"
	}
	for start, path := range g.files {
		if strings.HasPrefix(b.text, start) {
			if path, more := strings.CutPrefix(path, "+"); more {
				return fmt.Sprintf("add %s %s", path, name)
			}
			return fmt.Sprintf("put %s %s %s", path, name, mode)
		}
	}
	switch {
	case b.begins(g.apart):
		return ""
	case b.language == "sh" && b.begins(g.fails):
		return "fail " + name
	case b.language == "sh":
		return "try " + name
	case found != nil && b.language != "":
		return fmt.Sprintf("put %s %s %s", found[1], name, mode)
	case b.language == "toml" && strings.Contains(b.text, "command ="):
		return fmt.Sprintf("put /etc/fcgi-supervisor/conf.d/page-%d.toml %s 644", b.line, name)
	case b.language == "toml":
		return fmt.Sprintf("add /etc/fcgi-supervisor/conf.d/blog.toml %s", name)
	}
	return ""
}

func TestPages(t *testing.T) {
	for _, g := range guides {
		t.Run(strings.TrimSuffix(filepath.Base(g.name), ".md"), func(t *testing.T) {
			t.Parallel()
			g.run(t)
		})
	}
}

func (g guide) run(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("../..", g.name))
	if err != nil {
		t.Fatal(err)
	}
	folder := publicFolder(t)
	keep := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	keep("supervisor.log", "")
	keep("before", g.before)
	keep("after", g.after)
	script := "try before\n"
	blocks := blocksOf(string(text))
	for i := range blocks {
		b := &blocks[i]
		b.text = strings.NewReplacer(g.words...).Replace(b.text)
		name := fmt.Sprintf("line-%d", b.line)
		keep(name, b.text)
		for start, what := range g.first {
			if strings.HasPrefix(b.text, start) {
				keep(name+"-first", what)
				script += "try " + name + "-first\n"
			}
		}
		command := g.command(*b, name)
		script += command + "\n"
		if command == "" && b.language != "" && !b.begins(g.apart) {
			t.Errorf("%s:%d: nothing is done with this block", g.name, b.line)
		}
	}
	keep("script", script+"try after\n")
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "testdata/pages/sandbox.sh", folder, binary)
	cmd.WaitDelay = time.Second
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", g.name, err, output)
	}
	for i, b := range blocks {
		if i > 0 && b.language == "" && blocks[i-1].language == "sh" && strings.TrimSpace(b.prose) == "" {
			compareOutput(t, fmt.Sprintf("%s:%d", g.name, b.line), b.text, lastBytes(filepath.Join(folder, fmt.Sprintf("line-%d.out", blocks[i-1].line)), 1<<20))
		}
	}
}

var (
	shownBlank  = regexp.MustCompile(`\s+`)
	shownNumber = regexp.MustCompile(`\b(no\b|\d[\w.]*)( MiB)?`) // "no" where a time may be
)

// compareOutput wants the lines that a page shows, in their order; numbers and times may
// differ, and "..." stands for anything.
func compareOutput(t *testing.T, where, shown, came string) {
	t.Helper()
	rest := came
	for line := range strings.Lines(shown) {
		const number, anything = "\x01", "\x02" // not in a page
		pattern := strings.ReplaceAll(strings.TrimSpace(line), "...", anything)
		pattern = regexp.QuoteMeta(shownNumber.ReplaceAllString(pattern, number))
		pattern = strings.NewReplacer(number, `\S+( MiB)?`, anything, `.*`).Replace(pattern)
		pattern = shownBlank.ReplaceAllString(pattern, `\s+`)
		at := regexp.MustCompile(pattern).FindStringIndex(rest)
		if at == nil {
			t.Errorf("%s: the page shows\n  %sand what came out is\n%s", where, line, came[max(0, len(came)-2000):])
			return
		}
		rest = rest[at[1]:]
	}
}
