package config

import (
	"fmt"
	"strings"
)

// Reference is the Markdown page docs/reference/configuration.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\n" +
		"<!-- Generated from internal/config/keys.go; change it there. -->\n\n" +
		"The configuration is TOML. `fcgi-supervisor check` names every mistake at once, as `FILE:LINE:COL: message`.\n" +
		"Unknown keys are mistakes. A flag of `run` takes what the key takes, without quotes; lists with commas, or the\n" +
		"flag several times; tables as `NAME=VALUE`, the flag several times.\n")
	for _, table := range tables {
		title := "`[" + table.name + "]`"
		if table.name == tableTop {
			title = "Top of a file"
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", title, table.meaning)
		b.WriteString("| key | type | default | flag | meaning |\n|---|---|---|---|---|\n")
		for _, k := range keysOf(table.name) {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.name, k.typeName(), k.defaultText(), k.flagText(), k.meaning)
		}
	}
	return b.String()
}

func (k key) typeName() string {
	if len(k.choices) > 0 {
		return k.kind.name + " `" + strings.Join(k.choices, "`, `") + "`"
	}
	return k.kind.name
}

// defaultText is the default as it would stand in a file.
func (k key) defaultText() string {
	switch {
	case k.initial == "":
		return k.fallback
	case k.kind.shape == shapeList:
		return "`[\"" + strings.Join(k.initials(), `", "`) + "\"]`"
	case k.kind.shape == shapeString:
		return fmt.Sprintf("`%q`", k.initial)
	}
	return "`" + k.initial + "`"
}

func (k key) flagText() string {
	switch {
	case k.name == "command":
		return "`-- COMMAND ARG...`"
	case k.flagName() == "":
		return ""
	}
	return "`--" + k.flagName() + "`"
}
