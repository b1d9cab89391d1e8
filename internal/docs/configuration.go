package main

import "strings"

// configurationManual is fcgi-supervisor.toml(5), made of the Markdown page of
// the same content: paragraphs, headings and one kind of table.
func configurationManual(reference string) string {
	m := newManual("fcgi-supervisor.toml", "5", "File Formats", "configuration of fcgi-supervisor")
	m.section("Description")
	for block := range strings.SplitSeq(reference, "\n\n") {
		block = strings.TrimSpace(block)
		switch {
		case block == "", strings.HasPrefix(block, "# "), strings.HasPrefix(block, "<!--"):
		case strings.HasPrefix(block, "## "):
			m.section(plain(strings.TrimPrefix(block, "## ")))
		case strings.HasPrefix(block, "|"):
			m.table(block)
		default:
			m.paragraph(plain(block))
		}
	}
	m.section("Files")
	m.item("/etc/fcgi-supervisor/fcgi-supervisor.toml", "The configuration, unless --config or $FCGI_SUPERVISOR_CONFIG names another.")
	m.seeAlso([]string{`.BR fcgi\-supervisor (1)`, `.BR fcgi\-supervisor\-check (1)`})
	return m.String()
}

// table is a row an item: key, type and default, flag, then the meaning.
func (m *manual) table(block string) {
	for _, row := range strings.Split(block, "\n")[2:] {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		for i := range cells {
			cells[i] = plain(strings.TrimSpace(cells[i]))
		}
		key, kind, initial, flag, meaning := cells[0], cells[1], cells[2], cells[3], cells[4]
		facts := kind + "; default: " + initial
		if flag != "" {
			facts += "; flag: " + flag
		}
		m.item(key, meaning+"\n("+facts+")")
	}
}

// plain is Markdown without its marks.
func plain(text string) string { return strings.ReplaceAll(text, "`", "") }
