package webserver

import (
	"encoding/json"
	"strings"
)

// backslashed is a string in double quotes where a backslash takes the meaning
// from a quote or a backslash: nginx (ngx_conf_read_token), Apache
// (ap_getword_conf).
func backslashed(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// quotesOnly is a string in double quotes where only a quote is escaped: lighttpd
// and Caddy leave every other backslash alone, so none may stand before a quote.
func quotesOnly(text string) string {
	return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
}

// asShell is a string in single quotes, where nothing has a meaning but the quote
// itself: HAProxy (configuration.txt, section 2.2).
func asShell(text string) string {
	return `'` + strings.ReplaceAll(text, `'`, `'\''`) + `'`
}

// asRuby is a string in single quotes, where no #{} has a meaning.
func asRuby(text string) string {
	return `'` + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + `'`
}

// asYAML is a double-quoted scalar: every JSON string is one (YAML 1.2, section 1.3).
func asYAML(text string) string {
	var quoted strings.Builder
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string never fails
	return strings.TrimSuffix(quoted.String(), "\n")
}
