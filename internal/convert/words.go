package convert

import (
	"errors"
	"strings"
)

var errQuote = errors.New("a quote is not closed")

// words splits a command as a shell does, as far as quotes and backslashes go;
// nothing is expanded.
func words(text string) ([]string, error) {
	var list []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote == '\'' && c != '\'', quote == '"' && c != '"' && c != '\\':
			word.WriteByte(c)
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\':
			i++
			if i == len(text) {
				return nil, errors.New("a backslash has nothing behind it")
			}
			if quote == '"' && text[i] != '"' && text[i] != '\\' {
				word.WriteByte('\\')
			}
			inWord = true
			word.WriteByte(text[i])
		case c == '"' || c == '\'':
			inWord, quote = true, c
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if inWord {
				list = append(list, word.String())
			}
			word.Reset()
			inWord = false
		default:
			inWord = true
			word.WriteByte(c)
		}
	}
	if quote != 0 {
		return nil, errQuote
	}
	if inWord {
		list = append(list, word.String())
	}
	return list, nil
}
