package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "fcgi-supervisor/"

// may lists, for each room, the rooms of ours and the modules of others that it
// may import; the standard library and x/sys are everybody's. A room that is not
// here may not exist: add it, and say in docs/design.md what it is for.
var may = map[string][]string{
	"worker":             {},
	"supervisor":         {"worker", "internal/share"},
	"internal/share":     {},
	"metrics":            {"supervisor", "internal/share", "github.com/prometheus/client_golang", "github.com/prometheus/client_model"},
	"internal/web":       {"worker", "supervisor", "internal/config", "internal/control", "internal/listen", "internal/share", "github.com/prometheus/exporter-toolkit"},
	"internal/listen":    {},
	"internal/fastcgi":   {},
	"internal/logs":      {"golang.org/x/term"},
	"internal/notify":    {},
	"internal/watch":     {"github.com/fsnotify/fsnotify", "github.com/bmatcuk/doublestar/v4"},
	"internal/config":    {"internal/listen", "github.com/prometheus/exporter-toolkit", "github.com/pelletier/go-toml/v2", "github.com/bmatcuk/doublestar/v4"},
	"internal/executor":  {"worker", "supervisor", "internal/config", "internal/fastcgi", "internal/listen", "internal/logs"},
	"internal/control":   {"worker", "supervisor", "internal/listen", "internal/logs"},
	"internal/daemon":    {"worker", "supervisor", "metrics", "internal/web", "internal/config", "internal/control", "internal/executor", "internal/listen", "internal/logs", "internal/notify", "internal/watch"},
	"internal/demo":      {"internal/config", "internal/daemon", "internal/fastcgi"},
	"internal/webserver": {"internal/listen"},
	"internal/convert":   {"internal/config"},
	"internal/dev":       {"supervisor", "internal/config", "internal/control", "internal/daemon", "internal/fastcgi"},
	"internal/service":   {"init/systemd", "init/sysv", "internal/listen", "internal/notify", "github.com/kardianos/service"},
	"init/systemd":       {},
	"init/sysv":          {},
	"deploy/stage":       {"internal/service"},
	"internal/doctor":    {"worker", "internal/config", "internal/control", "internal/executor", "internal/fastcgi", "internal/listen"},
	"internal/docs":      {"internal/config", "metrics"},
	"internal/archtest":  {},
	"internal/e2e":       {},
	"internal/boottest":  {},
	"cmd/fcgi-supervisor": {"worker", "supervisor", "internal/config", "internal/control", "internal/convert", "internal/daemon", "internal/demo", "internal/dev", "internal/doctor",
		"internal/fastcgi", "internal/listen", "internal/logs", "internal/notify", "internal/service", "internal/webserver", "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term"},
}

// supervisorMayNot: it runs whole under virtual time, so it touches nothing.
var supervisorMayNot = []string{"os", "os/exec", "net", "net/http", "log/slog", "golang.org/x/sys/unix"}

func TestImportsGoDownOnly(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := may[room]
		if !known {
			t.Errorf("%s is a room that archtest does not know", room)
			continue
		}
		seen[room] = true
		for _, imported := range p.Imports {
			if !permitted(allowed, imported) {
				t.Errorf("%s imports %s", room, imported)
			}
			if room == "supervisor" && slices.Contains(supervisorMayNot, imported) {
				t.Errorf("supervisor imports %s: it opens, reads, forks and logs nothing", imported)
			}
		}
	}
	for room := range may {
		if !seen[room] {
			t.Errorf("archtest knows a room that is gone: %s", room)
		}
	}
}

func permitted(allowed []string, imported string) bool {
	own, ours := strings.CutPrefix(imported, module)
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case ours:
		return slices.Contains(allowed, own)
	case !strings.Contains(first, "."), strings.HasPrefix(imported, "golang.org/x/sys/"):
		return true // the standard library has no dot in its first element
	}
	return slices.ContainsFunc(allowed, func(m string) bool {
		return imported == m || strings.HasPrefix(imported, m+"/")
	})
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(text))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}
