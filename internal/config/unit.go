package config

import (
	"log/slog"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

var octal = regexp.MustCompile(`^[0-7]{1,4}$`)

// mode reads permission bits.
func mode(n *node, complain complainer) (os.FileMode, bool) {
	value, err := strconv.ParseUint(n.text, 8, 32)
	if err != nil || !octal.MatchString(n.text) || value > 0o777 {
		complain(n.value, `bad mode %q; want octal digits from "0000" to "0777"`, n.text)
		return 0, false
	}
	return os.FileMode(value), true
}

// harmless are the signals whose default action does not end a process (signal(7)).
var harmless = []syscall.Signal{
	unix.SIGCHLD, unix.SIGCONT, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGURG, unix.SIGWINCH,
}

// signal reads a name, with or without SIG in front.
func signal(n *node, complain complainer) (syscall.Signal, bool) {
	name := strings.ToUpper(n.text)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	value := unix.SignalNum(name)
	switch {
	case value == 0:
		complain(n.value, "unknown signal %q (kill -l lists them)%s", n.text, didYouMean(name, signalNames()))
	case slices.Contains(harmless, value):
		complain(n.value, "%s does not end a process", name)
	default:
		return value, true
	}
	return 0, false
}

func signalNames() []string {
	var names []string
	for s := syscall.Signal(1); s < 32; s++ {
		if name := unix.SignalName(s); name != "" {
			names = append(names, name)
		}
	}
	return names
}

var units = map[string]int64{
	"KB": 1e3, "MB": 1e6, "GB": 1e9,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}

// parseSize reads a number with a unit.
func parseSize(text string) (int64, bool) {
	cut := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if cut <= 0 {
		return 0, false
	}
	value, err := strconv.ParseInt(text[:cut], 10, 64)
	unit := units[strings.TrimSpace(text[cut:])]
	if err != nil || unit == 0 || value > math.MaxInt64/unit {
		return 0, false
	}
	return value * unit, true
}

// size reads a number of bytes that is not 0.
func size(n *node, complain complainer) (int64, bool) {
	value, ok := parseSize(n.text)
	if !ok {
		complain(n.value, `bad size %q; write it like "50MB" (KB, MB, GB, KiB, MiB, GiB)`, n.text)
		return 0, false
	}
	if value == 0 {
		complain(n.value, "%q is too small; want more than 0", n.text)
		return 0, false
	}
	return value, true
}

// coreSize reads a limit of core files.
func coreSize(n *node, complain complainer) (uint64, bool) {
	switch value, ok := parseSize(n.text); {
	case n.text == "0":
		return 0, true
	case n.text == "unlimited":
		return Unlimited, true
	case ok:
		return uint64(value), true
	}
	complain(n.value, `bad size %q; want "0", "unlimited" or a size like "50MB"`, n.text)
	return 0, false
}

var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

func logLevel(n *node, complain complainer) (slog.Level, bool) {
	name, ok := oneOf("debug", "info", "warn", "error")(n, complain)
	return logLevels[name], ok
}
