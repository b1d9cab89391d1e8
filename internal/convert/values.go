package convert

import (
	"strconv"
	"strings"
)

// octal is a mode as we write it; what is none stays as it is, to be refused.
func octal(value string) string {
	value = strings.TrimPrefix(strings.TrimPrefix(value, "0o"), "0O")
	if trimmed := strings.TrimLeft(value, "0"); len(trimmed) <= 4 {
		return strings.Repeat("0", 4-len(trimmed)) + trimmed
	}
	return value
}

func truth(value string) bool {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "1", "t", "y":
		return true
	}
	return false
}

// signalName takes a name, with or without SIG, or a number.
func signalName(value string) string {
	names := map[string]string{"1": "HUP", "2": "INT", "3": "QUIT", "9": "KILL", "10": "USR1", "12": "USR2", "15": "TERM"}
	if name, ok := names[value]; ok {
		value = name
	}
	value = strings.ToUpper(value)
	if strings.HasPrefix(value, "SIG") {
		return value
	}
	return "SIG" + value
}

// binarySize is a size where KB means 1024 bytes.
func binarySize(value string) string {
	upper := strings.ToUpper(strings.ReplaceAll(value, " ", ""))
	for _, unit := range []string{"K", "M", "G"} {
		if digits, found := strings.CutSuffix(strings.TrimSuffix(upper, "B"), unit); found {
			return digits + unit + "iB"
		}
	}
	if n, err := strconv.Atoi(upper); err == nil {
		return strconv.Itoa((n+1023)/1024) + "KiB"
	}
	return value
}
