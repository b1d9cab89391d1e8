package config

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// cursor turns the expressions of one parser into nodes of the document.
type cursor struct {
	document *document
	parser   *unstable.Parser
	base     int // the parser's first byte in the document
}

// part is one part of a dotted key.
type part struct {
	name string
	at   Place
	end  int // offset after it
}

// expression adds a header or an assignment to the tree and returns the offset
// at which it ends.
func (c cursor) expression(n *unstable.Node) int {
	if n.Kind == unstable.KeyValue {
		c.assign(c.document.table, n)
		return c.base + int(n.Raw.Offset+n.Raw.Length)
	}
	parts := c.parts(n.Key())
	c.document.table = c.header(parts)
	if n.Kind == unstable.ArrayTable {
		c.document.mistakes.add(parts[0].at, "[[%[1]s]] is a list of tables; write [%[1]s]", join(parts))
	}
	return parts[len(parts)-1].end
}

func (c cursor) parts(keys unstable.Iterator) []part {
	var parts []part
	for keys.Next() {
		k := keys.Node()
		start := c.base + int(k.Raw.Offset)
		parts = append(parts, part{name: string(k.Data), at: c.document.place(start), end: start + int(k.Raw.Length)})
	}
	return parts
}

// header opens the table that a [header] names.
func (c cursor) header(parts []part) *node {
	last := parts[len(parts)-1]
	parent := c.descend(c.document.root, parts[:len(parts)-1])
	old := parent.child(last.name)
	if old != nil && old.shape == shapeTable && !old.explicit {
		// [a.b] before [a] is allowed: the first mention only implied a.
		old.explicit = true
		return old
	}
	table := &node{name: last.name, key: last.at, value: last.at, shape: shapeTable, explicit: true}
	if old != nil && old.shape != shapeTable {
		c.document.mistakes.add(last.at, "%s is no table: it is set to %s at %s", join(parts), old.describe(), old.key.line())
		return table
	}
	if old != nil {
		c.document.mistakes.add(parts[0].at, "[%s] is defined twice; the first is at %s", join(parts), old.key.line())
		table.repeated = true
	}
	parent.items = append(parent.items, table)
	return table
}

// descend walks to the table that parts name, making it where it is not there.
func (c cursor) descend(table *node, parts []part) *node {
	for i, p := range parts {
		next := table.child(p.name)
		if next == nil {
			next = &node{name: p.name, key: p.at, value: p.at, shape: shapeTable}
			table.items = append(table.items, next)
		}
		if next.shape != shapeTable {
			c.document.mistakes.add(p.at, "%s is no table: it is set to %s at %s", join(parts[:i+1]), next.describe(), next.key.line())
			return &node{shape: shapeTable}
		}
		table = next
	}
	return table
}

// assign adds one KEY = VALUE to a table.
func (c cursor) assign(table *node, n *unstable.Node) {
	parts := c.parts(n.Key())
	last := parts[len(parts)-1]
	table = c.descend(table, parts[:len(parts)-1])
	value := c.value(n.Value(), c.document.place(c.afterEquals(last.end)))
	value.name, value.key = last.name, last.at
	if old := table.child(last.name); old != nil {
		c.document.mistakes.add(last.at, "%s is set twice; the first is at %s", last.name, old.key.line())
		value.repeated = true
	}
	table.items = append(table.items, value)
}

// afterEquals finds where a value begins: the parser does not say it of lists.
func (c cursor) afterEquals(offset int) int {
	for strings.IndexByte(" \t=", c.document.data[offset]) >= 0 {
		offset++
	}
	return offset
}

// value copies a value out of the parser, whose nodes live for one expression.
func (c cursor) value(n *unstable.Node, at Place) *node {
	value := &node{value: at, text: string(n.Data)}
	if n.Raw.Length > 0 {
		value.value = c.document.place(c.base + int(n.Raw.Offset))
	}
	switch n.Kind {
	case unstable.String:
		value.shape = shapeString
	case unstable.Integer:
		value.shape = shapeInteger
	case unstable.Float:
		value.shape = shapeFloat
	case unstable.Bool:
		value.shape = shapeBoolean
	case unstable.Array:
		value.shape = shapeList
		for items := n.Children(); items.Next(); {
			value.items = append(value.items, c.value(items.Node(), value.value))
		}
	case unstable.InlineTable:
		value.shape, value.explicit = shapeTable, true
		for items := n.Children(); items.Next(); {
			c.assign(value, items.Node())
		}
	default:
		value.shape = shapeDate
	}
	return value
}

func join(parts []part) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return strings.Join(names, ".")
}
