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
	lines map[string]string // of those that are under way; wait only
	notes chan note
}

// note is where a pool has got to.
type note struct{ pool, line string }

// noteBuffer lets the last notes of pools be written while results are printed.
const noteBuffer = 16

func newProgress(to screen, pools []string) *progress {
	return &progress{to: to, pools: pools, lines: map[string]string{}, notes: make(chan note, noteBuffer)}
}

// note may be called from any goroutine.
func (p *progress) note(pool, line string) {
	if p.to.terminal {
		p.notes <- note{pool, line}
	}
}

// wait shows notes until there is a result, and takes the line away for it.
func (p *progress) wait(results <-chan result) result {
	for {
		select {
		case n := <-p.notes:
			p.lines[n.pool] = n.line
			fmt.Fprint(p.to, clearLine+p.line())
		case r := <-results:
			if delete(p.lines, r.Pool); p.to.terminal {
				fmt.Fprint(p.to, clearLine)
			}
			return r
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
