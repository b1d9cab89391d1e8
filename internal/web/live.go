package web

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// maxWatchers is how many may have the page open. Beyond that it is not live, and
// loads itself again now and then.
const maxWatchers = 64

const (
	// watchPause is how often the page is looked at while somebody watches: busy
	// workers and queues change without anything happening to the supervisor.
	watchPause = time.Second
	// shortestPause: in a storm of events the page changes no more often.
	shortestPause = 250 * time.Millisecond
	// watchGrace is how long a browser may take to read a change.
	watchGrace = 10 * time.Second
)

// serveChanges sends the changing part of the page when it has changed, as
// server-sent events (https://html.spec.whatwg.org/#server-sent-events), until the
// browser goes away or the supervisor ends.
func (p *page) serveChanges(w http.ResponseWriter, r *http.Request) {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		w.Header().Set("Retry-After", "10")
		answer(w, http.StatusServiceUnavailable, "too many people watch\n")
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // else the server takes its passing for the end of the client
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would wait for more
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	var last []byte
	for {
		_, changed := p.backend.Supervisor.Events(0)
		drawn := p.draw()
		if drawn.err == nil && !bytes.Equal(drawn.html, last) {
			_ = control.SetWriteDeadline(time.Now().Add(watchGrace))
			if send(w, drawn) != nil || control.Flush() != nil {
				return
			}
			last = drawn.html
		}
		timer.Reset(watchPause)
		select {
		case <-timer.C:
			continue
		case <-changed:
		case <-r.Context().Done():
			return
		case <-p.backend.Supervisor.Done():
			return
		}
		timer.Reset(shortestPause)
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
}

// send writes one event; each line of its data is marked as such.
func send(w http.ResponseWriter, d drawing) error {
	data := bytes.ReplaceAll(bytes.TrimSpace(d.html), []byte("\n"), []byte("\ndata: "))
	_, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", d.mood, data)
	return err
}
