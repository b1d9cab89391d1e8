package convert

// The examples of the other projects' own documentation and of Debian's packages,
// converted (golden files); that what comes out is accepted by internal/config;
// and bad input. Not covered: whether the machine could run it.

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fcgi-supervisor/internal/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// accepted wants internal/config to take a result.
func accepted(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fcgi-supervisor.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatalf("not accepted:\n%v\n%s", err, text)
	}
	return cfg
}

func TestMain(m *testing.M) {
	os.Setenv("XDG_RUNTIME_DIR", "/run/user/1000") // the same for everybody
	os.Exit(m.Run())
}

func TestDocumentedExamples(t *testing.T) {
	for _, name := range Names() {
		files, err := filepath.Glob(filepath.Join("testdata", name, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %d examples", name, err, len(files))
		}
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.IsDir() || strings.HasSuffix(file, ".toml") {
				continue
			}
			t.Run(file, func(t *testing.T) {
				text, err := FromFile(name, file)
				if err != nil {
					text = "error: " + err.Error() + "\n"
				} else {
					accepted(t, text)
				}
				golden(t, file+".toml", text)
			})
		}
	}
}

func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s is not what comes out; try: go test ./internal/convert -update, and git diff\n%s", path, text)
	}
}
