package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"fcgi-supervisor/internal/listen"
)

// complainer notes a mistake of the key that is being read.
type complainer func(at Place, format string, args ...any)

// reader turns a node of the right shape into a value, or complains.
type reader[T any] func(n *node, complain complainer) (T, bool)

// store is how a key gets into a draft.
type store func(d *draft, n *node, complain complainer)

// into makes a store of a reader and the field that it fills.
func into[T any](read reader[T], field func(*draft) *T) store {
	return func(d *draft, n *node, complain complainer) {
		if value, ok := read(n, complain); ok {
			*field(d) = value
		}
	}
}

// optional is into for values whose absence means something.
func optional[T any](read reader[T], field func(*draft) **T) store {
	return func(d *draft, n *node, complain complainer) {
		if value, ok := read(n, complain); ok {
			*field(d) = &value
		}
	}
}

var digits = regexp.MustCompile(`^[+-]?[0-9]+$`)

// clean reads a string that may go into an argument, a path or a name: the
// kernel ends those at a NUL byte.
func clean(n *node, complain complainer) (string, bool) {
	if strings.ContainsRune(n.text, 0) {
		complain(n.value, "a NUL byte in %q", n.text)
		return "", false
	}
	return n.text, true
}

// word reads a string that may not be empty.
func word(n *node, complain complainer) (string, bool) {
	if n.text == "" {
		complain(n.value, "is empty; leave the key out to have its default")
		return "", false
	}
	return clean(n, complain)
}

// absolute reads a path, which may be empty where that is a key's default.
func absolute(n *node, complain complainer) (string, bool) {
	text, ok := clean(n, complain)
	if ok && text != "" && !filepath.IsAbs(text) {
		complain(n.value, "%q is relative; write the whole path", text)
		return "", false
	}
	return text, ok
}

// requestPath reads what a request asks for.
func requestPath(n *node, complain complainer) (string, bool) {
	text, ok := word(n, complain)
	if ok && text[0] != '/' {
		complain(n.value, "%q does not begin with a slash; write %q", text, "/"+text)
		return "", false
	}
	return text, ok
}

func boolean(n *node, _ complainer) (bool, bool) { return n.text == "true", true }

// between reads a whole number from low to high.
func between[T int | uint64](low, high int64) reader[T] {
	return func(n *node, complain complainer) (T, bool) {
		value, err := strconv.ParseInt(n.text, 0, 64)
		if err != nil || value < low || value > high {
			complain(n.value, "want a number from %d to %d, found %s", low, high, n.text)
			return 0, false
		}
		return T(value), true
	}
}

// duration reads a length of time that is at least shortest.
func duration(shortest time.Duration) reader[time.Duration] {
	return func(n *node, complain complainer) (time.Duration, bool) {
		if digits.MatchString(n.text) {
			complain(n.value, "%q has no unit; write %q", n.text, n.text+"s")
			return 0, false
		}
		value, err := time.ParseDuration(n.text)
		switch {
		case err != nil:
			complain(n.value, `bad duration %q; write it like "30s", "1m30s" or "100ms"`, n.text)
		case value < shortest && value <= 0:
			complain(n.value, "%q is too short; want more than 0", n.text)
		case value < shortest:
			complain(n.value, "%q is too short; want at least %s", n.text, shortest)
		default:
			return value, true
		}
		return 0, false
	}
}

// oneOf reads a string that is one of choices.
func oneOf(choices ...string) reader[string] {
	return func(n *node, complain complainer) (string, bool) {
		for _, choice := range choices {
			if n.text == choice {
				return choice, true
			}
		}
		complain(n.value, "unknown value %q; want one of %s%s", n.text, strings.Join(choices, ", "), didYouMean(n.text, choices))
		return "", false
	}
}

// words reads a list of strings that are not empty.
func words(n *node, complain complainer) ([]string, bool) {
	list, good := []string{}, true
	for _, item := range n.items {
		if !kindString.accepts(item, complain) {
			good = false
			continue
		}
		text, ok := word(item, complain)
		list, good = append(list, text), good && ok
	}
	return list, good
}

// variables reads the names of environment variables.
func variables(n *node, complain complainer) ([]string, bool) {
	list, good := words(n, complain)
	for _, item := range n.items {
		if item.shape != shapeString || item.text == "" {
			continue
		}
		if fault := nameFault(item.text); fault != "" {
			complain(item.value, "%s", fault)
			good = false
		} else if private(item.text) {
			complain(item.value, "%s is the supervisor's own and is never passed on", item.text)
			good = false
		}
	}
	return list, good
}

// pairs reads environment variables.
func pairs(n *node, complain complainer) (map[string]string, bool) {
	values, good := map[string]string{}, true
	for _, item := range n.items {
		inside := func(at Place, format string, args ...any) {
			complain(at, "%s: %s", item.name, fmt.Sprintf(format, args...))
			good = false
		}
		if fault := nameFault(item.name); fault != "" {
			complain(item.key, "%s", fault)
			good = false
		} else if kindString.accepts(item, inside) {
			if fault := valueFault(item.text); fault != "" {
				inside(item.value, "%s", fault)
			}
			values[item.name] = item.text
		}
	}
	return values, good
}

func address(n *node, complain complainer) (listen.Address, bool) {
	a, err := listen.Parse(n.text)
	if err != nil {
		complain(n.value, "%s", err)
	}
	return a, err == nil
}

// webAddress reads where HTTP is spoken: HOST:PORT as the rest of the world writes
// it, or unix:/PATH.
func webAddress(n *node, complain complainer) (listen.Address, bool) {
	text := n.text
	if !strings.HasPrefix(text, "unix:") && !strings.HasPrefix(text, "tcp:") {
		text = "tcp:" + text
	}
	a, err := listen.Parse(text)
	if err != nil || a.Kind != listen.Unix && a.Kind != listen.TCP {
		complain(n.value, "%q is no address for HTTP; want HOST:PORT such as \"127.0.0.1:9843\", or \"unix:/PATH\"", n.text)
		return listen.Address{}, false
	}
	return a, true
}

// nodes hands the elements of a list on with their places.
func nodes(n *node, complain complainer) ([]*node, bool) {
	_, ok := words(n, complain)
	return n.items, ok
}
