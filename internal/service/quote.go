package service

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quotable says why a value can stand in no unit or script; nil if it can.
func quotable(what, value string) error {
	if !utf8.ValidString(value) {
		return fmt.Errorf("%s %q is not UTF-8; try: another name", what, value)
	}
	if i := strings.IndexFunc(value, unicode.IsControl); i >= 0 {
		return fmt.Errorf("%s %q has a control character; try: a name without it", what, value)
	}
	return nil
}

// inUnit writes an argument of ExecStart= (systemd.service(5), "Command lines";
// systemd.unit(5), "Specifiers"): always in quotes. Braces are written otherwise
// where two of them stand together, for kardianos/service takes these for its own.
func inUnit(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`, "{{", `\x7b\x7b`).Replace(value) + `"`
}

// inUnitProgram is inUnit for the program, in whose name $ is not expanded.
func inUnitProgram(value string) string {
	return strings.ReplaceAll(inUnit(value), `$$`, `\x24`)
}

// inUnitValue is for settings that know specifiers, but neither quotes nor
// variables.
func inUnitValue(value string) string { return strings.ReplaceAll(value, `%`, `%%`) }

// inShell writes a word of sh(1).
func inShell(value string) string {
	return `'` + strings.ReplaceAll(value, `'`, `'\''`) + `'`
}
