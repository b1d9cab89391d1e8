package control

import (
	"context"
	"encoding/json"
	"net/http"
)

// serveReread answers with an Answer a line: progress, then the Change.
func (b *Backend) serveReread(w http.ResponseWriter, r *http.Request) {
	s := newStream(w, true)
	by, _ := r.Context().Value(peerKey{}).(string)
	b.Log.Info("reading the configuration again, asked by " + by)
	change, err := b.Reread(func(line string) {
		s.send(Answer{Progress: line})
		s.flush()
	})
	if err != nil {
		status, code := statusOf(r.Context(), err)
		s.refuse(status, code, err)
		return
	}
	ok := true
	s.send(Answer{OK: &ok, Change: &change})
	s.flush()
}

// Reread has the supervisor read its configuration again: it ends the pools that
// are gone from it and begins those that are new. What has changed of the others
// they have after a reload. progress is called for each of them. The error is
// Mistakes if the configuration has some.
func (c *Client) Reread(ctx context.Context, progress func(string)) (Change, error) {
	var change *Change
	err := c.ask(ctx, http.MethodPost, "/api/v1/configuration", nil, func(decoder *json.Decoder) error {
		return decodeEach(decoder, func(a Answer) error {
			if a.OK == nil && a.Error == "" {
				progress(a.Progress)
			}
			change = a.Change
			return a.err()
		})
	})
	if err == nil && change == nil {
		err = errEnded
	}
	if err != nil {
		return Change{}, err
	}
	return *change, nil
}
