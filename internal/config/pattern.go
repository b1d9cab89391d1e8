package config

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// patterns reads paths and globs. A way up would leave the folder that a symbolic
// link leads to, which is seldom the one that is meant.
func patterns(n *node, complain complainer) ([]string, bool) {
	list, good := words(n, complain)
	for _, item := range n.items {
		switch {
		case item.shape != shapeString:
		case slices.Contains(strings.Split(item.text, "/"), ".."):
			complain(item.value, "%q leads upwards; write the whole path", item.text)
			good = false
		case !doublestar.ValidatePattern(item.text):
			complain(item.value, "bad pattern %q", item.text)
			good = false
		}
	}
	return list, good
}
