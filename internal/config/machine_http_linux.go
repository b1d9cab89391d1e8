package config

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/exporter-toolkit/web"

	"fcgi-supervisor/internal/listen"
)

// checkHTTP says what keeps us from answering HTTP. Whether a port is free is not
// asked: it is taken by the supervisor that runs already.
func (c *Config) checkHTTP(us account) []Problem {
	var problems []Problem
	note := func(key, format string, args ...any) {
		problems = append(problems, Problem{Where: c.HTTP.places[key].line(), Text: fmt.Sprintf(format, args...), Fatal: true, Spares: true})
	}
	if c.HTTP.WebConfigFile != "" {
		if err := web.Validate(c.HTTP.WebConfigFile); err != nil {
			note("web_config_file", "%s: %v", c.HTTP.WebConfigFile, err)
		}
	}
	if c.HTTP.Listen.Kind != listen.Unix {
		return problems
	}
	folder := filepath.Dir(c.HTTP.Listen.Path)
	if _, err := os.Lstat(folder); os.IsNotExist(err) && folder == filepath.Clean(c.Supervisor.RuntimeDir) {
		return problems // run makes that one
	}
	if f := (&machineCheck{us: us}).writable(folder); f != nil {
		note("listen", "the socket cannot be made: %s", *f)
	}
	return problems
}
