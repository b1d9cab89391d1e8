package main

// Every TOML block in a document is a configuration that is accepted. A block
// that shows a part of one gets what it lacks. Not covered: whether the machine
// could run it.

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fcgi-supervisor/internal/config"
)

var (
	poolTable = regexp.MustCompile(`(?m)^\[pool\.([\w-]+)`)
	anyTable  = regexp.MustCompile(`(?m)^\[`)
)

// whole is the block with what a configuration needs at least.
func whole(text string) string {
	if !anyTable.MatchString(text) && !strings.HasPrefix(text, "include") {
		text = "[pool.example]\n" + text // keys of a pool
	}
	for _, found := range poolTable.FindAllStringSubmatch(text, -1) {
		header := "[pool." + found[1] + "]\n"
		missing := ""
		for key, value := range map[string]string{"command": `["/bin/true"]`, "listen": fmt.Sprintf(`"unix:/run/%s.sock"`, found[1])} {
			if !regexp.MustCompile(`(?m)^` + key + ` *=`).MatchString(text) {
				missing += key + " = " + value + "\n"
			}
		}
		if strings.Contains(text, header) {
			text = strings.Replace(text, header, header+missing, 1)
		} else {
			text = header + missing + text
		}
	}
	return text
}

func load(t *testing.T, text string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fcgi-supervisor.toml")
	if err := os.WriteFile(path, []byte(whole(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path)
	return err
}

func TestConfigurationsAreAccepted(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000") // so that no key is missing for an ordinary user
	seen := 0
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			if b.language == "toml" {
				seen++
				if err := load(t, b.text); err != nil {
					t.Errorf("%s:%d: %v", d.path, b.line, err)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d TOML blocks were found in the documents: this test looks past them", seen)
	}
}

func TestWrongConfigurationsAreFound(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	for text, good := range map[string]bool{
		"processes = 3\n":                       true,
		"[pool.a.log]\nmax_files = 3\n":         true,
		"include = [\"conf.d/*.toml\"]\n":       true,
		"[pool.a]\nlisten = \"tcp:[::1]:80\"\n": true,
		"proceses = 3\n":                        false,
		"[pool.a.log]\noutput = \"file\"\n":     false,
		"[supervisor]\nlog_level = \"loud\"\n":  false,
		"listen = \"unix:relative.sock\"\n":     false,
	} {
		if err := load(t, text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
