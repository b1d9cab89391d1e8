package config

import (
	"fmt"
	"slices"
)

// shape is what a value looks like, before anybody asks what it means.
type shape int

const (
	shapeString shape = iota
	shapeInteger
	shapeFloat
	shapeBoolean
	shapeDate
	shapeList
	shapeTable
)

// node is a value as it was written, in TOML or as a flag. Keys and values have
// places of their own: an unknown key is shown at the key, a bad value at the value.
type node struct {
	name  string // its key; empty for elements of a list
	key   Place
	value Place
	shape shape
	text  string  // of a string, its content; of other scalars, as written
	items []*node // of a list or table, in the order written

	explicit bool // a table with a [header] of its own
	repeated bool // a second table of the same name; the mistake is already noted
}

// child finds an entry of a table by its key, nil if there is none.
func (n *node) child(name string) *node {
	for _, item := range n.items {
		if item.name == name {
			return item
		}
	}
	return nil
}

// isHeader says that n was written as a table, not merely implied by a dotted key.
func (n *node) isHeader() bool {
	return n.shape == shapeTable && (n.explicit || slices.ContainsFunc(n.items, (*node).isHeader))
}

// describe says what was found where something else is wanted.
func (n *node) describe() string {
	switch n.shape {
	case shapeString:
		return fmt.Sprintf("the string %q", n.text)
	case shapeInteger, shapeFloat:
		return "the number " + n.text
	case shapeBoolean:
		return n.text
	case shapeDate:
		return "the date " + n.text
	case shapeList:
		return "a list"
	}
	return "a table"
}
