package main

// Every link within the repository leads to a file that is there, and to a
// heading that is in it; every test that the design names exists. Not covered:
// links to other sites.

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	testName = regexp.MustCompile(`\bTest[A-Z]\w*`)
)

func TestLinksLeadSomewhere(t *testing.T) {
	seen := 0
	for _, d := range documents(t) {
		for _, found := range link.FindAllStringSubmatch(d.prose, -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			seen++
			if fault := follow(d.path, found[1]); fault != "" {
				t.Errorf("%s: %s: %s", d.path, found[1], fault)
			}
		}
	}
	if seen == 0 {
		t.Error("no document has a link: this test looks at nothing")
	}
}

// follow says what is wrong with a link in the file from; empty if nothing is.
func follow(from, target string) string {
	path, fragment, _ := strings.Cut(target, "#")
	file := filepath.Join(root, from)
	if path != "" {
		file = filepath.Join(root, filepath.Dir(from), path)
	}
	text, err := os.ReadFile(file)
	if info, e := os.Stat(file); e == nil && info.IsDir() {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	var anchors []string
	for _, h := range heading.FindAllStringSubmatch(cut(file, string(text)).prose, -1) {
		anchors = append(anchors, anchor(h[1]))
	}
	if fragment != "" && !slices.Contains(anchors, fragment) {
		return "no such heading; there are: " + strings.Join(anchors, ", ")
	}
	return ""
}

func TestBrokenLinksAreFound(t *testing.T) {
	for target, whole := range map[string]bool{
		"docs/design.md": true, "docs/design.md#traps": true, "#see-it": true, "docs": true,
		"docs/nothing.md": false, "docs/design.md#nothing": false, "#nothing": false,
	} {
		if fault := follow("README.md", target); (fault == "") != whole {
			t.Errorf("%s: %q", target, fault)
		}
	}
}

func TestTestsNamedInTheDesignExist(t *testing.T) {
	var sources strings.Builder
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		sources.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "design.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := testName.FindAllString(string(text), -1)
	if len(names) == 0 {
		t.Error("docs/design.md names no test")
	}
	for _, name := range names {
		if !strings.Contains(sources.String(), "func "+name+"(") {
			t.Errorf("docs/design.md names %s, which does not exist", name)
		}
	}
}
