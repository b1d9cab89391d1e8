package supervisor

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
)

// What is counted, and that it never goes back (TestRandomHistories looks too).
// Not covered: whether anybody keeps it over a crash of ours.

func TestReloadsAreCountedByTriggerAndResult(t *testing.T) {
	w := newWorld(t, testConfig(2))
	w.boot()
	ask := func(trigger string) {
		w.command(func(s *Supervisor) { s.renew(w.pool, ReloadSwap, Command{Trigger: trigger}) })
		w.pool.reload.At = w.now // renew reads the real clock
	}
	ask("api")
	w.opened(nil)
	w.boot()
	w.pass(3 * time.Second)
	w.exposed(nil)
	ask("file")
	w.opened(errors.New("disk full"))
	got := w.pool.tally.publish()
	want := map[string]map[string]uint64{"api": {"ok": 1}, "file": {"failed": 1}}
	if !reflect.DeepEqual(got.Reloads, want) {
		t.Errorf("counted %v, want %v", got.Reloads, want)
	}
	if got.ReloadsOK.Count != 1 || got.ReloadsOK.Seconds != 3 {
		t.Errorf("durations %+v, want one of 3 s: the failed one is not among them", got.ReloadsOK)
	}
}

func TestStartsAreTimedUntilReady(t *testing.T) {
	w := newWorld(t, testConfig(1))
	w.bind(nil)
	id := inOrder(w.ordered)[0]
	w.start(id)
	w.pass(40 * time.Millisecond)
	w.becomeReady(id)
	got := w.pool.tally.publish()
	if got.Ready.Count != 1 || got.Ready.Seconds != 0.04 || got.Ready.Classic[3] != 1 {
		t.Errorf("counted %+v, want one of 40 ms, in the bucket up to 50 ms", got.Ready)
	}
}

func TestPublishedTallyIsNotWrittenTo(t *testing.T) {
	var tally tallying
	tally.reload("api", "ok", time.Second)
	before := tally.publish()
	text, _ := json.Marshal(before)
	if tally.publish() != before {
		t.Error("nothing has happened, and it was copied")
	}
	tally.reload("api", "ok", time.Second)
	tally.ready(time.Second)
	if after, _ := json.Marshal(before); string(after) != string(text) {
		t.Errorf("was %s, is %s", text, after)
	}
}

func TestTallyIsPlainData(t *testing.T) {
	var tally Tally
	tally.countReload("file", "ok", 1500*time.Millisecond)
	tally.Ready.Observe(time.Millisecond)
	text, err := json.Marshal(tally)
	if err != nil {
		t.Fatal(err)
	}
	var read Tally
	if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(tally, read) {
		t.Errorf("wrote %+v, read %+v (%v)", tally, read, err)
	}
	read.Ready.Observe(time.Millisecond) // it goes on from there
	if read.Ready.Count != 2 {
		t.Errorf("%+v", read.Ready)
	}
}

func TestHistogramIsBounded(t *testing.T) {
	var h Histogram
	for d := time.Duration(1); d < 1<<60; d += d/20 + 1 {
		h.Observe(d)
	}
	h.Observe(-time.Second)
	if len(h.Native) > 210 || h.Count < 800 {
		t.Errorf("%d observations in %d buckets, want at most 210", h.Count, len(h.Native))
	}
}

// checkTally: nothing that is counted goes back.
func (w *world) checkTally() {
	w.t.Helper()
	now := w.pool.tally.publish()
	if before := w.tally; before != nil {
		for trigger, results := range before.Reloads {
			for result, n := range results {
				if now.Reloads[trigger][result] < n {
					w.t.Fatalf("reloads by %s, %s: %d, were %d", trigger, result, now.Reloads[trigger][result], n)
				}
			}
		}
		if now.Ready.Count < before.Ready.Count || now.ReloadsOK.Count < before.ReloadsOK.Count {
			w.t.Fatalf("%+v, was %+v", now, before)
		}
	}
	w.tally = now
}
