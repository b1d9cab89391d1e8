package listen

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Holders are the processes that have the socket of this inode open, in order of
// pid, and the number of processes we may not ask.
func Holders(inode uint64) (seen []Holder, hidden int) {
	h := findHolders(map[uint64]bool{inode: true})
	return h.seen, h.hidden
}

type holders struct {
	seen   []Holder
	hidden int
}

// findHolders looks for whoever has one of the sockets open.
func findHolders(inodes map[uint64]bool) *holders {
	links := make(map[string]bool, len(inodes))
	for inode := range inodes {
		links[fmt.Sprintf("socket:[%d]", inode)] = true
	}
	h := &holders{}
	processes, _ := os.ReadDir("/proc")
	for _, entry := range processes {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		held, err := holds(pid, links)
		switch {
		case errors.Is(err, fs.ErrPermission):
			h.hidden++
		case held:
			h.seen = append(h.seen, Holder{pid, command(pid)})
		}
	}
	slices.SortFunc(h.seen, func(a, b Holder) int { return cmp.Compare(a.PID, b.PID) })
	return h
}

func holds(pid int, links map[string]bool) (bool, error) {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(folder)
	if err != nil {
		return false, err
	}
	for _, fd := range fds {
		if link, err := os.Readlink(folder + "/" + fd.Name()); err == nil && links[link] {
			return true, nil
		}
	}
	return false, nil
}

// command is the command line of a process, fit to be part of a message.
func command(pid int) string {
	const longest = 80
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	text := strings.TrimSpace(strings.Map(printable, string(line)))
	if text == "" {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err != nil {
			return "ended meanwhile"
		}
		return "[" + strings.TrimSpace(string(name)) + "]"
	}
	if letters := []rune(text); len(letters) > longest {
		return string(letters[:longest]) + "..."
	}
	return text
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' ' // the NULs between arguments, for one
}

// inUse is the refusal of an address that somebody has.
func inUse(a Address, h *holders) error {
	const shown = 3
	var who []string
	for i, holder := range h.seen {
		if i == shown {
			who = append(who, fmt.Sprintf("%d more", len(h.seen)-shown))
			break
		}
		who = append(who, holder.String())
	}
	switch {
	case len(who) > 0:
		return fmt.Errorf("%s is in use by %s; try: another address, or kill %d", a, strings.Join(who, ", "), h.seen[0].PID)
	case h.hidden > 0:
		return fmt.Errorf("%s is in use, by one of %d processes that uid %d may not look into; try: as root", a, h.hidden, os.Geteuid())
	}
	return fmt.Errorf("%s is in use, by a process that cannot be seen from here", a)
}
