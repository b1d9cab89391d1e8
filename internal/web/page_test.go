package web

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/supervisor"
)

// The page as text. Not covered here: how it looks and what its script does, for
// which a browser is needed (e2e: TestPage).

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }
func newRequest(path string) *http.Request    { return httptest.NewRequest("GET", path, nil) }

func TestPageShowsWhatIs(t *testing.T) {
	s := serve(t, "blog", "broken", "full")
	s.settled(supervisor.Running, "blog")
	s.settled(supervisor.Running, "full")
	s.settled(supervisor.Backoff, "broken")
	status, text := s.get("/")
	if status != 200 {
		t.Fatalf("status %d: %s", status, text)
	}
	for _, want := range []string{
		`<html lang="en" data-mood="bad">`,
		"1 of 3 pools in trouble",
		`<section id="pool-blog" class="pool good"`,
		`<section id="pool-broken" class="pool bad"`,
		`<section id="pool-full" class="pool busy"`,
		"saturated",
		"all 2 workers busy, and 3 more connections wait",
		`title="worker 0: busy for 5s, pid `,
		"ended before it was ready: exit code 3",
		"no &lt;module&gt; named", // what a worker writes is text and nothing else
		`<noscript><meta http-equiv="refresh" content="5"></noscript>`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	for _, never := range []string{"<module>", " style=", " onclick", "http://", "https://", "<no value>"} {
		if strings.Contains(text, never) {
			t.Errorf("%q is in the page", never)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestMoodOfAPool(t *testing.T) {
	worker := func(busy bool) []control.Worker { return []control.Worker{{Phase: "ready", Busy: &busy}} }
	failed, succeeded := &control.Reload{Result: of("failed")}, &control.Reload{Result: of("ok")}
	for name, c := range map[string]struct {
		pool  control.Pool
		mood  mood
		state string
	}{
		"idle":              {control.Pool{State: "running", Ready: 1, Healthy: true, Workers: worker(false)}, good, "running"},
		"busy, none waits":  {control.Pool{State: "running", Ready: 1, Healthy: true, Workers: worker(true), Queue: of(0), Backlog: of(9)}, good, "running"},
		"busy, some wait":   {control.Pool{State: "running", Ready: 1, Healthy: true, Workers: worker(true), Queue: of(1), Backlog: of(9)}, busy, "saturated"},
		"idle, some wait":   {control.Pool{State: "running", Ready: 1, Healthy: true, Workers: worker(false), Queue: of(1), Backlog: of(9)}, good, "running"},
		"full":              {control.Pool{State: "running", Ready: 1, Healthy: true, Workers: worker(false), Queue: of(9), Backlog: of(9)}, bad, "queue full"},
		"unhealthy":         {control.Pool{State: "running", Ready: 1, Workers: worker(false)}, bad, "unhealthy"},
		"reload failed":     {control.Pool{State: "running", Ready: 1, Healthy: true, Workers: worker(false), LastReload: failed}, busy, "reload failed"},
		"reloaded":          {control.Pool{State: "running", Ready: 1, Healthy: true, Workers: worker(false), LastReload: succeeded}, good, "running"},
		"reloading":         {control.Pool{State: "reloading", Ready: 1, Healthy: true, Workers: worker(false)}, busy, "reloading"},
		"starting":          {control.Pool{State: "starting"}, busy, "starting"},
		"back-off":          {control.Pool{State: "backoff"}, bad, "backoff"},
		"back-off, serving": {control.Pool{State: "backoff", Ready: 1, Workers: worker(false)}, bad, "backoff"},
		"running, nobody":   {control.Pool{State: "running"}, bad, "running"},
		"stopped":           {control.Pool{State: "stopped"}, off, "stopped"},
	} {
		if v := newPoolView(c.pool, nil, noon); v.Mood != c.mood || v.State != c.state {
			t.Errorf("%s: %s, %q; want %s, %q", name, v.Mood, v.State, c.mood, c.state)
		}
	}
}

// TestTroubleIsSeenFirst, and what nobody wants last.
func TestTroubleIsSeenFirst(t *testing.T) {
	status := &control.Status{Pools: []control.Pool{{Name: "a", State: "stopped"}, {Name: "b", State: "starting"},
		{Name: "c", State: "running", Ready: 1, Healthy: true}, {Name: "d", State: "backoff"}}}
	v := newView(status, NewHistory(), nil, noon)
	var order string
	for _, p := range v.Pools {
		order += p.Name
	}
	if order != "dbca" || v.Mood != bad || v.Verdict != "1 of 4 pools in trouble" {
		t.Errorf("%s, %s, %q", order, v.Mood, v.Verdict)
	}
}

func TestAssets(t *testing.T) {
	s := serve(t)
	for name, kind := range assetTypes {
		answer, err := s.client.Get("http://supervisor/assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != kind || answer.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", name, answer.StatusCode, answer.Header)
		}
	}
}

// TestChangesAreSent: a change arrives, and the end of the supervisor ends them.
func TestChangesAreSent(t *testing.T) {
	s := serve(t, "blog")
	s.settled(supervisor.Running, "blog")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", "http://supervisor/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	waitFor := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("%q did not come: %v", text, lines.Err())
	}
	waitFor("event: good")
	waitFor(`data: <h1>`)
	if _, err := s.supervisor.Do(ctx, supervisor.Command{Action: supervisor.ActionStop, Pool: "blog"}, nil); err != nil {
		t.Fatal(err)
	}
	waitFor("event: off")
	waitFor("stopped")
	s.stop()
	for lines.Scan() { // until the stream ends, which it does though the browser is there
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream does not end with the supervisor: %v", err)
	}
}

// TestTooManyWatchers: one more than there are places for is told to come again, and
// who leaves makes room.
func TestTooManyWatchers(t *testing.T) {
	p := newPage(serve(t, "blog").backend)
	for range maxWatchers - 1 {
		p.places <- struct{}{}
	}
	watch := func(ctx context.Context, w http.ResponseWriter) {
		p.serveChanges(w, newRequest("/live").WithContext(ctx))
	}
	ctx, leave := context.WithCancel(t.Context())
	var last sync.WaitGroup
	last.Go(func() { watch(ctx, newRecorder()) })
	for len(p.places) < maxWatchers {
		runtime.Gosched()
	}
	refused := newRecorder()
	watch(t.Context(), refused)
	if refused.Code != 503 || refused.Header().Get("Retry-After") == "" {
		t.Errorf("one too many got %d %v", refused.Code, refused.Header())
	}
	leave()
	last.Wait()
	if len(p.places) != maxWatchers-1 {
		t.Errorf("%d places are taken after one has left", len(p.places))
	}
}

// TestOutputCannotSteerTheStream: a line of an event stream ends with a carriage
// return too.
func TestOutputCannotSteerTheStream(t *testing.T) {
	w := newRecorder()
	if err := send(w, drawing{mood: bad, html: oneKindOfLineEnd([]byte("a\revent: off\r\ndata: x\n\rb"))}); err != nil {
		t.Fatal(err)
	}
	want := "event: bad\ndata: a\ndata: event: off\ndata: data: x\ndata: \ndata: b\n\n"
	if got := w.Body.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWatchersShareOneDrawing: however many watch, the page is drawn now and then.
func TestWatchersShareOneDrawing(t *testing.T) {
	drawn := 0
	s := serve(t, "blog")
	b := s.backend
	b.Status = func(pool string) *control.Status { drawn++; return s.backend.Status(pool) } // serialised by share.Next
	p := newPage(b)
	for range 1000 {
		p.serve(newRecorder(), newRequest("/"))
	}
	if drawn > 50 {
		t.Errorf("drawn %d times for 1000 who ask within moments", drawn)
	}
}

func TestRepeatedFailuresAreOneLine(t *testing.T) {
	var events []supervisor.Event
	for n := range 40 {
		events = append(events, supervisor.Event{Seq: uint64(2*n + 1), Pool: "broken", Kind: supervisor.KindFailed, Bad: true, Text: "no"},
			supervisor.Event{Seq: uint64(2*n + 2), Pool: "broken", Slot: -1, Kind: supervisor.KindBackoff, Bad: true, Text: "next start"})
	}
	events = append(events, supervisor.Event{Seq: 100, Pool: "blog", Slot: -1, Kind: supervisor.KindReady, Text: "5 workers ready"})
	shown := lastEvents(events)
	again := events[len(events)-1] // good news is not summed up
	if both := lastEvents([]supervisor.Event{again, again}); len(both) != 2 {
		t.Errorf("%+v", both)
	}
	if len(shown) != 2 || shown[0].ID != 100 || shown[1].More != 39 || shown[1].ID != 1 {
		t.Errorf("%+v", shown)
	}
}

// TestCellSaysSinceWhen: what has just begun is busy, and no more.
func TestCellSaysSinceWhen(t *testing.T) {
	for took, want := range map[time.Duration]string{0: "", 999 * time.Millisecond: "", time.Second: "1s", 5 * time.Minute: "5m", 50 * time.Hour: "50h", 200 * time.Hour: "8d"} {
		since := noon.Add(-took)
		c := newCell(control.Worker{Slot: 3, Phase: "ready", Busy: of(true), BusySince: &since}, noon)
		if c.Text != want || c.Class != "occupied" {
			t.Errorf("after %v: %+v, want %q", took, c, want)
		}
	}
}

func TestHugePoolIsCutShort(t *testing.T) {
	p := control.Pool{Wanted: 1000, State: "backoff"}
	shown, more := cells(p, noon)
	if len(shown) != maxCells || more != "and 744 more" {
		t.Errorf("%d cells, %q", len(shown), more)
	}
}
