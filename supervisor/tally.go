package supervisor

import (
	"maps"
	"time"
)

// Tally is what has happened in a pool beside what Starts, Exits and Restarts
// count. It is plain data, to be written as JSON and read again, and it never
// goes back.
type Tally struct {
	// Reloads and restarts that have come to their end, by trigger (api, signal,
	// file, config), then by result (ok, failed). One that is overtaken by another
	// has no end of its own.
	Reloads   map[string]map[string]uint64 `json:"reloads"`
	ReloadsOK Histogram                    `json:"reloads_ok"` // from the request until the new generation served, of those that succeeded
	Ready     Histogram                    `json:"ready"`      // from the spawn of a worker until it was ready
}

func (t *Tally) countReload(trigger, result string, took time.Duration) {
	if t.Reloads == nil {
		t.Reloads = map[string]map[string]uint64{}
	}
	if t.Reloads[trigger] == nil {
		t.Reloads[trigger] = map[string]uint64{}
	}
	t.Reloads[trigger][result]++
	if result == "ok" {
		t.ReloadsOK.Observe(took)
	}
}

func (t *Tally) clone() *Tally {
	reloads := map[string]map[string]uint64{}
	for trigger, results := range t.Reloads {
		reloads[trigger] = maps.Clone(results)
	}
	return &Tally{Reloads: reloads, ReloadsOK: t.ReloadsOK.clone(), Ready: t.Ready.clone()}
}

// tallying is the loop's own Tally, and the copy of it that readers have: a
// picture is published far more often than there is something to count.
type tallying struct {
	Tally
	published *Tally // nil: it is out of date
}

// recallTally goes on from what was written down.
func recallTally(t *Tally) tallying {
	if t == nil {
		return tallying{}
	}
	return tallying{Tally: *t.clone()}
}

func (t *tallying) reload(trigger, result string, took time.Duration) {
	t.countReload(trigger, result, took)
	t.published = nil
}

func (t *tallying) ready(took time.Duration) {
	t.Ready.Observe(took)
	t.published = nil
}

func (t *tallying) publish() *Tally {
	if t.published == nil {
		t.published = t.clone()
	}
	return t.published
}
