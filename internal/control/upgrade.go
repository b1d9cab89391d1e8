package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// serveUpgrade answers with an Answer a line: progress, then the reason why the
// program cannot be replaced. If it is, the connection ends with the old program.
func (b *Backend) serveUpgrade(w http.ResponseWriter, r *http.Request) {
	s := newStream(w, true)
	by, _ := r.Context().Value(peerKey{}).(string)
	options, _, err := readOptions(s, r)
	if err == nil {
		b.Log.Info("upgrade, asked by " + by)
		err = b.Upgrade(r.Context(), options.Binary, func(line string) {
			s.send(Answer{Progress: line})
			s.flush()
		})
	}
	b.Log.Error("cannot upgrade; everything goes on as before", "err", err)
	status, code := statusOf(r.Context(), err)
	s.refuse(status, code, err)
}

// pollPause is how often a client asks whether the new program answers.
const pollPause = 20 * time.Millisecond

// Upgrade has the supervisor replace its program, by binary unless that is empty,
// and returns when the new one answers. progress is called with each step.
func (c *Client) Upgrade(ctx context.Context, binary string, progress func(string)) (before, after *Status, err error) {
	if before, err = c.Status(ctx, ""); err != nil {
		return nil, nil, err
	}
	body, err := json.Marshal(Options{Binary: binary})
	if err != nil {
		return nil, nil, err
	}
	err = c.ask(ctx, http.MethodPost, "/api/v1/upgrade", body, func(decoder *json.Decoder) error {
		return decodeEach(decoder, func(a Answer) error {
			if err := a.err(); err != nil {
				return err
			}
			progress(a.Progress)
			return nil
		})
	})
	if !errors.Is(err, errCutOff) {
		return nil, nil, cmp.Or(err, errEnded)
	}
	for {
		after, err = c.Status(ctx, "")
		if err == nil && after.Supervisor.UpgradedAt != nil && !sameMoment(before.Supervisor.UpgradedAt, after.Supervisor.UpgradedAt) {
			return before, after, nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = ctx.Err()
			}
			return nil, nil, fmt.Errorf("the new program does not answer: %w; the workers go on, see its log", err)
		case <-time.After(pollPause):
		}
	}
}

func sameMoment(a, b *time.Time) bool { return a != nil && b != nil && a.Equal(*b) }
