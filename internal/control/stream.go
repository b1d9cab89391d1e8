package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// lastWords is how long a reader who does not read can hold up our end.
const lastWords = 500 * time.Millisecond

// stream is an answer of one or more JSON values, a line each. Until the first of
// them the HTTP status is open.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	encoder *json.Encoder
	begun   bool
	err     error // the first; nothing is written after it
}

// newStream begins an answer; ofLines says that it has more than one value.
func newStream(w http.ResponseWriter, ofLines bool) *stream {
	s := &stream{w: w, control: http.NewResponseController(w), encoder: json.NewEncoder(w)}
	s.encoder.SetEscapeHTML(false)
	w.Header().Set("Content-Type", "application/json")
	if ofLines {
		w.Header().Set("Content-Type", "application/x-ndjson")
	}
	return s
}

// hurry has writes fail soon after ctx has ended, for a reader that has stopped
// reading without going away. The caller calls stop before it returns, since the
// deadline is the connection's.
func (s *stream) hurry(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = s.control.SetWriteDeadline(time.Now().Add(lastWords)) })
}

// send writes one value; it returns false when nobody reads any more.
func (s *stream) send(value any) bool {
	s.begin(http.StatusOK)
	if s.err == nil {
		s.err = s.encoder.Encode(value)
	}
	return s.err == nil
}

// begin sends the head of the answer, if that has not happened.
func (s *stream) begin(status int) {
	if s.begun {
		return
	}
	s.begun = true
	s.w.WriteHeader(status)
}

// flush hands on what was sent.
func (s *stream) flush() bool {
	if s.err == nil {
		s.err = s.control.Flush()
	}
	return s.err == nil
}

// refuse ends the answer with an error. If there was an answer before, the
// status has been told and the code alone says what kind of error it is.
func (s *stream) refuse(status int, code Code, err error) {
	s.begin(status)
	a := Answer{Error: err.Error(), Code: code}
	errors.As(err, &a.Mistakes)
	s.send(a)
	s.flush()
}

// readWithin bounds how long the rest of the request may take; 0 takes the bound
// away.
func (s *stream) readWithin(limit time.Duration) {
	deadline := time.Time{}
	if limit > 0 {
		deadline = time.Now().Add(limit)
	}
	_ = s.control.SetReadDeadline(deadline)
}
