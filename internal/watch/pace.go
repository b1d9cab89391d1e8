package watch

import "time"

// longestWait bounds how long changes that do not end can hold up being told.
const longestWait = 5 * time.Second

// debounce waits for the end of a burst of changes.
type debounce struct {
	quiet       time.Duration // without a change: the burst is over
	first, last time.Time     // of the burst; zero: there is none
}

func (d *debounce) touch(now time.Time) {
	if d.first.IsZero() {
		d.first = now
	}
	d.last = now
}

func (d *debounce) clear() { d.first, d.last = time.Time{}, time.Time{} }

// due is when the burst is over; zero if there is none.
func (d *debounce) due() time.Time {
	if d.first.IsZero() {
		return time.Time{}
	}
	return earlier(d.last.Add(d.quiet), d.latest())
}

// latest is when the burst has to be told, over or not.
func (d *debounce) latest() time.Time { return d.first.Add(max(longestWait, d.quiet)) }

// Changes that are told of one watch: so many in such a time, then it is a loop.
const (
	guardChanges = 10
	guardTime    = time.Minute
)

// guard stops a loop: an application that writes below its own watch would be
// reloaded for ever.
type guard struct {
	told      []time.Time // within guardTime
	suspended bool
}

// allow tells whether a change may be told now. After the first no it is
// suspended.
func (g *guard) allow(now time.Time) bool {
	for len(g.told) > 0 && now.Sub(g.told[0]) >= guardTime {
		g.told = g.told[1:]
	}
	if len(g.told) >= guardChanges {
		g.told, g.suspended = nil, true
		return false
	}
	g.told = append(g.told, now)
	return true
}

// earlier is the earlier of two times, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
