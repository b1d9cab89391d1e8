package logs

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendEscaped appends text with what could steer a terminal or fake a line
// written out as \x1b: the control characters C0 (but tab), DEL and C1, and bytes
// that are not UTF-8, as 0x80 to 0x9f are C1 to an 8-bit terminal.
func AppendEscaped(to []byte, text []byte) []byte {
	plain := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c < 0x7f || c == '\t' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if c >= utf8.RuneSelf && r > 0x9f && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		to = append(to, text[plain:i]...)
		for _, b := range text[i : i+size] {
			to = append(to, '\\', 'x', hexDigits[b>>4], hexDigits[b&0xf])
		}
		i += size
		plain = i
	}
	return append(to, text[plain:]...)
}

// appendValue appends an attribute's value so that its end can be told: quoted
// when it is empty or has blanks, quotes or anything that AppendEscaped escapes.
func appendValue(to []byte, value string) []byte {
	for _, r := range value {
		if r <= ' ' || r == '"' || r == '=' || !strconv.IsPrint(r) || r == utf8.RuneError {
			return strconv.AppendQuote(to, value)
		}
	}
	if value == "" {
		return append(to, `""`...)
	}
	return append(to, value...)
}

// appendJSON appends text as the inside of a JSON string (RFC 8259 section 7).
// What is not UTF-8 becomes U+FFFD, as JSON has no other way.
func appendJSON(to []byte, text []byte) []byte {
	plain := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r > 0x9f && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		to = append(to, text[plain:i]...)
		to = appendJSONRune(to, r)
		i += size
		plain = i
	}
	return append(to, text[plain:]...)
}

// appendJSONRune escapes DEL and C1 too, which JSON would allow, so that a JSON
// log can be looked at on a terminal.
func appendJSONRune(to []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(to, '\\', byte(r))
	case '\n':
		return append(to, `\n`...)
	case '\r':
		return append(to, `\r`...)
	case '\t':
		return append(to, `\t`...)
	case utf8.RuneError:
		return append(to, `\ufffd`...)
	}
	return append(to, '\\', 'u', '0', '0', hexDigits[r>>4&0xf], hexDigits[r&0xf])
}
