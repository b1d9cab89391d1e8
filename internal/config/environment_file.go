package config

import (
	"fmt"
	"strings"
)

// parseEnvironmentFile reads lines of NAME=VALUE as systemd does
// (EnvironmentFile= in systemd.exec(5)): comments begin with # or ;, values may
// be quoted, a backslash at the end of a line joins it with the next.
func parseEnvironmentFile(file, text string) (map[string]string, error) {
	values := map[string]string{}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		first, line := i, strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(lines[i])
		}
		name, value, found := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		fault := nameFault(name)
		if !found {
			fault = "want NAME=VALUE"
		}
		if fault == "" {
			value, fault = unquote(strings.TrimSpace(value))
		}
		if fault == "" {
			fault = valueFault(value)
		}
		if fault != "" {
			return nil, fmt.Errorf("environment_file %s:%d: %s", file, first+1, fault)
		}
		values[name] = value
	}
	return values, nil
}

// unquote takes off quotes and resolves backslashes: within single quotes there
// are none, within double quotes they protect " \ $ ` only.
func unquote(value string) (result, fault string) {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(value):
			i++
			if quote == '"' && strings.IndexByte("\"\\$`", value[i]) < 0 {
				b.WriteByte(c)
			}
			b.WriteByte(value[i])
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", fmt.Sprintf("a %c is not closed", quote)
	}
	return b.String(), ""
}
