package config

// kind is what a key takes.
type kind struct {
	name  string // in the reference page
	want  string // in "want a list of strings, found ..."
	shape shape
	// hint guesses what was meant by a scalar of the wrong shape; nil: no guess.
	hint func(text string) string
}

func quoted(text string) string { return `"` + text + `"` }
func listed(text string) string { return `["` + text + `"]` }
func number(text string) string { return text }

// Kinds of values. A unit is never guessed where several are likely.
var (
	kindString   = kind{"string", "a string", shapeString, quoted}
	kindPath     = kind{"absolute path", "a path in quotes", shapeString, nil}
	kindChoice   = kind{"one of", "a string", shapeString, nil}
	kindAddress  = kind{"address", `an address such as "unix:/run/app.sock"`, shapeString, nil}
	kindWeb      = kind{"address", `an address such as "127.0.0.1:9843"`, shapeString, func(text string) string { return `"127.0.0.1:` + text + `"` }}
	kindDuration = kind{"duration", `a duration such as "30s"`, shapeString, func(text string) string { return `"` + text + `s"` }}
	kindMode     = kind{"octal mode", `an octal mode in quotes such as "0660"`, shapeString, func(text string) string { return `"0` + text + `"` }}
	kindSignal   = kind{"signal", `a signal such as "SIGTERM"`, shapeString, nil}
	kindSize     = kind{"size", `a size such as "50MB"`, shapeString, nil}
	kindLimit    = kind{"size, 0 or unlimited", `"0", "unlimited" or a size such as "50MB"`, shapeString, quoted}
	kindInteger  = kind{"whole number", "a whole number", shapeInteger, number}
	kindBoolean  = kind{"true or false", "true or false", shapeBoolean, number}
	kindList     = kind{"list of strings", "a list of strings", shapeList, listed}
	kindPairs    = kind{"table of strings", `a table such as { NAME = "value" }`, shapeTable, nil}
)

// accepts reports whether n has the shape of k, and complains if not.
func (k kind) accepts(n *node, complain complainer) bool {
	if n.shape == k.shape {
		return true
	}
	guess := ""
	if k.hint != nil && plausible(k.shape, n) {
		guess = "; write " + k.hint(n.text)
	}
	complain(n.value, "want %s, found %s%s", k.want, n.describe(), guess)
	return false
}

// plausible says that the text of n, written otherwise, is probably what was meant.
func plausible(want shape, n *node) bool {
	switch want {
	case shapeString:
		return n.shape == shapeBoolean || n.shape == shapeFloat || n.shape == shapeInteger && digits.MatchString(n.text)
	case shapeList:
		return n.shape == shapeString && n.text != ""
	case shapeInteger:
		return n.shape == shapeString && digits.MatchString(n.text)
	case shapeBoolean:
		return n.shape == shapeString && (n.text == "true" || n.text == "false")
	}
	return false
}
