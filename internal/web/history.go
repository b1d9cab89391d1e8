package web

import (
	"sync"
	"time"

	"fcgi-supervisor/supervisor"
)

// The last hour, in pieces of half a minute.
const (
	piece  = 30 * time.Second
	pieces = 120
)

// History is the last hour of each pool. It is told: of what happens by the loop,
// and of queue and busy workers by whoever looks (a scrape, status, the page).
// Where nobody has looked it knows nothing, and the page shows a gap: an idle
// supervisor does not wake up to draw a line. Its size is bounded by the number of
// pools.
//
// It has a mutex because the loop and those who look write to it, and the loop
// must not wait for them: under it, a few numbers are changed.
type History struct {
	began time.Time

	mu    sync.Mutex
	pools map[string]*hour
}

// hour is a ring: what happened in piece n is at n % pieces.
type hour [pieces]moment

// moment is half a minute of a pool.
type moment struct {
	number int64 // of the piece, since 1970; another one's: nothing is known
	looked bool
	told   bool // what happens is told of; false before we were there
	queue  int  // the longest seen
	busy   int  // the most seen
	ends   int  // workers that ended unasked, or never became ready
}

// NewHistory is one of nothing yet.
func NewHistory() *History { return &History{began: time.Now(), pools: map[string]*hour{}} }

func numberOf(t time.Time) int64 { return t.Unix() / int64(piece/time.Second) }

func (h *hour) at(t time.Time) *moment {
	number := numberOf(t)
	m := &h[number%pieces]
	if m.number != number {
		*m = moment{number: number}
	}
	return m
}

func (h *History) of(pool string) *hour {
	if h.pools[pool] == nil {
		h.pools[pool] = &hour{}
	}
	return h.pools[pool]
}

// Note takes an event.
func (h *History) Note(e supervisor.Event) {
	if e.Slot < 0 || e.Kind != supervisor.KindExited && e.Kind != supervisor.KindFailed {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of(e.Pool).at(e.At).ends++
}

// Seen takes a look, and forgets pools that are gone.
func (h *History) Seen(l *supervisor.Look) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.pools {
		if l.Pool(name) == nil {
			delete(h.pools, name)
		}
	}
	for _, p := range l.Snapshot.Pools {
		seen := l.Figures(p)
		if seen.Queue == nil {
			continue
		}
		m := h.of(p.Name).at(l.At)
		busy, _ := l.Busy(p)
		m.looked, m.queue, m.busy = true, max(m.queue, *seen.Queue), max(m.busy, busy)
	}
}

// last is the hour before now, oldest first.
func (h *History) last(pool string, now time.Time) []moment {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]moment, pieces)
	known, newest := h.pools[pool], numberOf(now)
	for i := range list {
		number := newest - int64(pieces-1-i)
		if known != nil && known[number%pieces].number == number {
			list[i] = known[number%pieces]
		}
		list[i].told = number >= numberOf(h.began)
	}
	return list
}
