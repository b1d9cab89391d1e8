package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// WritePool writes the pool that flags describe as a configuration file: what was
// given, and nothing else. The error is Errors, whose places are flags.
func WritePool(flags Flags) (name, text string, err error) {
	c, err := FromFlags(flags)
	if err != nil {
		return "", "", err
	}
	var mistakes Errors
	written := map[string][]string{} // lines by table
	for _, flag := range slices.Sorted(maps.Keys(flags.Values)) {
		i := slices.IndexFunc(keys, func(k key) bool { return k.flagName() == flag })
		if flag == nameFlag || i < 0 {
			continue
		}
		k := keys[i]
		if k.table == tableSupervisor {
			mistakes.add(Place{Flag: "--" + flag}, "concerns the supervisor and not a pool; it stands in [supervisor] of the main file")
			continue
		}
		n := k.typed(Place{}, flags.values(k, flag)...)
		written[k.table] = append(written[k.table], k.name+" = "+n.toml())
	}
	if err := mistakes.result(); err != nil {
		return "", "", err
	}
	name = c.Pools[0].Name
	var b strings.Builder
	command := keyAt(tablePool, "command")
	fmt.Fprintf(&b, "[pool.%s]\ncommand = %s\n", TOMLKey(name), command.typed(Place{}, c.Pools[0].Command...).toml())
	for _, table := range tables {
		lines := written[table.name]
		if len(lines) == 0 {
			continue
		}
		if table.name != tablePool {
			fmt.Fprintf(&b, "\n[%s]\n", strings.Replace(table.name, "NAME", TOMLKey(name), 1))
		}
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	return name, b.String(), nil
}

// values are what was typed for a key, lists with their commas taken apart.
func (f Flags) values(k key, flag string) []string {
	values := f.Values[flag]
	if k.kind.shape != shapeList {
		return values
	}
	values = strings.Split(strings.Join(values, ","), ",")
	return slices.DeleteFunc(values, func(v string) bool { return v == "" })
}

// toml is the value as a file has it.
func (n *node) toml() string {
	switch n.shape {
	case shapeList:
		items := make([]string, len(n.items))
		for i, item := range n.items {
			items[i] = TOMLString(item.text)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case shapeTable:
		items := make([]string, len(n.items))
		for i, item := range n.items {
			items[i] = TOMLKey(item.name) + " = " + TOMLString(item.text)
		}
		return "{ " + strings.Join(items, ", ") + " }"
	case shapeString:
		return TOMLString(n.text)
	}
	return n.text
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// TOMLKey is a name as it stands before a dot or an equals sign: bare where it can be
// (https://toml.io/en/v1.0.0#keys).
func TOMLKey(name string) string {
	if bareKey.MatchString(name) {
		return name
	}
	return TOMLString(name)
}

// TOMLString is a basic string, whose escapes are not Go's (https://toml.io/en/v1.0.0#string).
func TOMLString(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// PoolName is the name that FromFlags gives the pool.
func PoolName(flags Flags) string { return poolNameOf(flags, &Errors{}) }

// PoolNameFault says why a pool may not be called so; empty if it may.
func PoolNameFault(name string) string {
	if poolName.MatchString(name) {
		return ""
	}
	return poolNameRule
}
