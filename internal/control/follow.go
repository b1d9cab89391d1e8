package control

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"fcgi-supervisor/internal/logs"
	"fcgi-supervisor/supervisor"
)

// Query says which events or lines of output are wanted.
type Query struct {
	Pool   string // empty: all
	After  uint64 // events only: those with a greater Seq
	Last   int    // at most so many of those there are; negative: all
	Follow bool   // then those to come, until the supervisor ends
}

func parseQuery(values url.Values) (Query, error) {
	q := Query{Pool: values.Get("pool"), Last: -1}
	var err error
	if text := values.Get("lines"); text != "" {
		if q.Last, err = strconv.Atoi(text); err != nil {
			return Query{}, fmt.Errorf("lines: %q is not a number", text)
		}
	}
	if text := values.Get("after"); text != "" {
		if q.After, err = strconv.ParseUint(text, 10, 64); err != nil {
			return Query{}, fmt.Errorf("after: %q is not the number of an event", text)
		}
	}
	if text := values.Get("follow"); text != "" {
		if q.Follow, err = strconv.ParseBool(text); err != nil {
			return Query{}, fmt.Errorf("follow: %q is neither 1 nor 0", text)
		}
	}
	return q, nil
}

// values is the inverse of parseQuery.
func (q Query) values() url.Values {
	values := url.Values{"lines": {strconv.Itoa(q.Last)}, "after": {strconv.FormatUint(q.After, 10)},
		"follow": {strconv.FormatBool(q.Follow)}}
	if q.Pool != "" {
		values.Set("pool", q.Pool)
	}
	return values
}

// query reads what is asked for, or refuses.
func (b *Backend) query(s *stream, r *http.Request) (Query, bool) {
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		s.refuse(http.StatusBadRequest, CodeBadRequest, err)
		return Query{}, false
	}
	return q, b.knows(s, q.Pool)
}

func (b *Backend) serveEvents(w http.ResponseWriter, r *http.Request) {
	s := newStream(w, true)
	q, ok := b.query(s, r)
	if !ok {
		return
	}
	defer s.hurry(r.Context())()
	s.begin(http.StatusOK)
	for last := q.Last; ; last = -1 {
		ended := b.ended() // before the look: what was said until then is in it
		events, changed := b.Supervisor.Events(q.After)
		if len(events) > 0 {
			q.After = events[len(events)-1].Seq
		}
		for _, e := range lastOf(last, ofPool(q.Pool, events)) {
			s.send(newEvent(e))
		}
		if !s.flush() || !q.Follow || ended {
			return
		}
		select {
		case <-changed:
		case <-b.Supervisor.Done():
		case <-r.Context().Done():
			return
		}
	}
}

func ofPool(name string, events []supervisor.Event) []supervisor.Event {
	if name == "" {
		return events
	}
	var own []supervisor.Event // events are shared with all other readers
	for _, e := range events {
		if e.Pool == name {
			own = append(own, e)
		}
	}
	return own
}

// lastOf are the last n of items, all of them if n is negative.
func lastOf[T any](n int, items []T) []T {
	if n < 0 {
		return items
	}
	return items[max(0, len(items)-n):]
}

// serveLogs answers with what the rings of the pools hold, in order of time, then
// with what is added to them.
func (b *Backend) serveLogs(w http.ResponseWriter, r *http.Request) {
	s := newStream(w, true)
	q, ok := b.query(s, r)
	if !ok {
		return
	}
	defer s.hurry(r.Context())()
	s.begin(http.StatusOK)
	var held []LogLine
	var followers []*follower
	for _, p := range b.Supervisor.Snapshot().Pools {
		ring := b.Output(p.Name)
		if ring == nil || q.Pool != "" && p.Name != q.Pool {
			continue
		}
		f := &follower{ring: ring}
		now, _ := f.next(true)
		held, followers = append(held, now...), append(followers, f)
	}
	slices.SortStableFunc(held, func(a, b LogLine) int { return a.At.Compare(b.At) })
	for _, line := range lastOf(q.Last, held) {
		s.send(line)
	}
	if s.flush() && q.Follow {
		b.follow(r.Context(), s, followers)
	}
}

// follow sends what is added to the rings. It starts a goroutine for each, which
// it ends before it returns.
func (b *Backend) follow(ctx context.Context, s *stream, followers []*follower) {
	ctx, cancel := context.WithCancel(ctx)
	added := make(chan []LogLine)
	var running sync.WaitGroup
	for _, f := range followers {
		running.Go(func() { f.run(ctx, b, added) })
	}
	go func() { running.Wait(); close(added) }() // ended by the end of the followers
	defer func() {
		cancel()
		for range added { // until it is closed
		}
	}()
	for lines := range added {
		for _, line := range lines {
			s.send(line)
		}
		if !s.flush() {
			return
		}
	}
}

// follower reads one ring from where it has got to.
type follower struct {
	ring *logs.Ring
	seen uint64
}

// run passes on what is added to the ring until ctx or the supervisor ends.
func (f *follower) run(ctx context.Context, b *Backend, added chan<- []LogLine) {
	for {
		ended := b.ended() // before the look: what was written until then is in it
		lines, more := f.next(false)
		if len(lines) > 0 {
			select {
			case added <- lines:
			case <-ctx.Done():
				return
			}
		}
		if ended {
			return
		}
		select {
		case <-more:
		case <-b.Supervisor.Done():
		case <-ctx.Done():
			return
		}
	}
}

// next returns the lines that were not seen yet, and when to look again. Before
// the first look nothing can have been missed.
func (f *follower) next(first bool) ([]LogLine, <-chan struct{}) {
	news, more := f.ring.After(f.seen)
	missed := uint64(0)
	if !first {
		missed = logs.Missed(f.seen, news)
	}
	lines := make([]LogLine, 0, len(news))
	for _, l := range news {
		line := LogLine{Seq: l.Seq, At: l.At.UTC(), Pool: l.Pool, Slot: l.Slot, PID: l.PID, Text: string(l.Text),
			Partial: l.Partial, Missed: missed}
		if !utf8.Valid(l.Text) {
			line.Raw = l.Text
		}
		lines = append(lines, line)
		f.seen, missed = l.Seq, 0
	}
	return lines, more
}
