package doctor

import (
	"fmt"
	"strings"
)

// excerptLines bounds how much of an answer is shown: its beginning is what
// matters to a web server.
const excerptLines = 4

// excerpt shows bytes in hexadecimal and as text, as hexdump -C does.
func excerpt(data []byte) []string {
	var lines []string
	for at := 0; at < len(data) && len(lines) < excerptLines; at += 16 {
		row := data[at:min(at+16, len(data))]
		text := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, latin1(row))
		lines = append(lines, fmt.Sprintf("%04x  %-47s  |%s|", at, fmt.Sprintf("% x", row), text))
	}
	return lines
}

// latin1 makes a character of each byte.
func latin1(data []byte) string {
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

// lastLines are the last n lines of text that are not blank.
func lastLines(text string, n int) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-n):]
}
