package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fcgi-supervisor/internal/config"
)

// render writes the configuration. Nothing of theirs can leave its comment: every
// text is on one line.
func render(pools []*pool, from, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Converted from %s (%s) by fcgi-supervisor convert.\n", oneLine(from), name)
	b.WriteString("# Above each key stands what it comes from. Read what has changed and what is not\n")
	b.WriteString("# carried over, then try: fcgi-supervisor check --config FILE\n")
	for _, p := range pools {
		p.render(&b)
	}
	return b.String()
}

func (p *pool) render(b *strings.Builder) {
	fmt.Fprintf(b, "\n# %s\n", oneLine(p.origin))
	if p.fault != nil {
		fmt.Fprintf(b, "# Not converted: %s\n", oneLine(p.fault.Error()))
		return
	}
	remarks(b, "Not carried over:", p.gone)
	remarks(b, "The same without a key:", p.same)
	for _, table := range []string{"", "log", "limits"} {
		p.renderTable(b, table)
	}
}

func remarks(b *strings.Builder, title string, list []remark) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "# %s\n", title)
	for _, r := range list {
		fmt.Fprintf(b, "#   %s: %s\n", oneLine(r.theirs), oneLine(r.why))
	}
}

func (p *pool) renderTable(b *strings.Builder, table string) {
	header := "[pool." + config.TOMLKey(p.name) + "]"
	if table != "" {
		header = "\n[pool." + config.TOMLKey(p.name) + "." + table + "]"
	}
	for _, e := range p.keys {
		at, key, nested := strings.Cut(e.path, ".")
		if !nested {
			at, key = "", e.path
		}
		if at != table {
			continue
		}
		if header != "" {
			b.WriteString(header + "\n")
			header = ""
		}
		e.comment(b)
		fmt.Fprintf(b, "%s = %s\n", key, tomlValue(e.value))
	}
}

func (e entry) comment(b *strings.Builder) {
	if len(e.theirs) == 1 && e.why != "" {
		fmt.Fprintf(b, "# %s; changed: %s\n", oneLine(e.theirs[0]), oneLine(e.why))
		return
	}
	for _, theirs := range e.theirs {
		fmt.Fprintf(b, "# %s\n", oneLine(theirs))
	}
	switch {
	case e.why == "":
	case len(e.theirs) > 0:
		fmt.Fprintf(b, "# changed: %s\n", oneLine(e.why))
	default:
		fmt.Fprintf(b, "# %s\n", oneLine(e.why))
	}
}

const longest = 300

// oneLine is text for a comment: TOML allows no control characters there but the
// tabulator, and no invalid UTF-8.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return text
}

func tomlValue(value any) string {
	switch v := value.(type) {
	case string:
		return config.TOMLString(v)
	case []string:
		quoted := make([]string, len(v))
		for i, text := range v {
			quoted[i] = config.TOMLString(text)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case map[string]string:
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, config.TOMLKey(name)+" = "+config.TOMLString(v[name]))
		}
		return "{ " + strings.Join(pairs, ", ") + " }"
	}
	return fmt.Sprint(value)
}
