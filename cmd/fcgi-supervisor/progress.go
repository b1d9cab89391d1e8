package main

import (
	"fmt"
	"strings"
)

// clearLine goes to the start of the line and empties it (ECMA-48 EL).
const clearLine = "\r\x1b[K"

// progress shows how far commands have got: one line, written again and again, on
// a terminal; nothing elsewhere.
type progress struct {
	to    screen
	pools []string          // in the order shown
	lines map[string]string // of those that are under way
}

func newProgress(to screen, pools []string) *progress {
	return &progress{to: to, pools: pools, lines: map[string]string{}}
}

// wait shows how far the pools get until there is a result, and takes the line
// away for it.
func (p *progress) wait(updates <-chan update) *result {
	for {
		u := <-updates
		p.lines[u.pool] = u.line // a result has none
		shown := p.line()
		if u.result != nil {
			shown = ""
		}
		if p.to.terminal {
			fmt.Fprint(p.to, clearLine+shown)
		}
		if u.result != nil {
			return u.result
		}
	}
}

// line is the progress of all pools, cut to what fits: a line that is wrapped
// cannot be written again.
func (p *progress) line() string {
	var parts []string
	for _, pool := range p.pools {
		if line := p.lines[pool]; line != "" {
			parts = append(parts, pool+": "+line)
		}
	}
	letters := []rune(strings.Join(parts, "; "))
	if p.to.width > 0 && len(letters) >= p.to.width {
		letters = letters[:p.to.width-1]
	}
	return string(letters)
}
