package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"fcgi-supervisor/supervisor"
)

// serveCommand carries out a command and answers with an Answer a line: progress
// as it comes, then the outcome.
func (b *Backend) serveCommand(w http.ResponseWriter, r *http.Request, action supervisor.Action) {
	s := newStream(w, true)
	by, _ := r.Context().Value(peerKey{}).(string)
	c := supervisor.Command{Action: action, Pool: r.PathValue("name"), Trigger: "api", By: by}
	ctx := r.Context()
	refuse := func(err error) {
		b.Log.Info("command refused", "pool", c.Pool, "action", string(action), "by", by, "err", err)
		status, code := statusOf(ctx, err)
		s.refuse(status, code, err)
	}
	options, limit, err := readOptions(s, r)
	if err != nil {
		refuse(err)
		return
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	c.Processes, c.AllAtOnce = options.Processes, options.AllAtOnce
	do := b.Supervisor.Do
	if action == supervisor.ActionReload && b.Reload != nil {
		do = b.Reload
	}
	outcome, err := do(ctx, c, func(line string) {
		s.send(Answer{Progress: line})
		s.flush()
	})
	if err != nil {
		refuse(err)
		return
	}
	s.send(Answer{OK: &outcome.OK, Text: outcome.Text, Output: outcome.Output})
	s.flush()
}

// readOptions reads the body; none at all means the defaults.
func readOptions(s *stream, r *http.Request) (options Options, limit time.Duration, err error) {
	// Not http.Server.ReadTimeout, which would go on while the command runs and
	// end it.
	s.readWithin(headerGrace)
	defer s.readWithin(0)
	decoder := json.NewDecoder(http.MaxBytesReader(s.w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&options); errors.Is(err, io.EOF) {
		return Options{}, 0, nil
	} else if err != nil {
		return Options{}, 0, fmt.Errorf("read the body: %w", err)
	}
	if _, err := decoder.Token(); err == nil {
		return Options{}, 0, errors.New("read the body: more than one JSON value")
	} else if !errors.Is(err, io.EOF) {
		return Options{}, 0, fmt.Errorf("read the body: %w", err)
	}
	if options.Timeout == "" {
		return options, 0, nil
	}
	limit, err = time.ParseDuration(options.Timeout)
	if err != nil || limit < 0 {
		return Options{}, 0, fmt.Errorf("timeout %q is not a length of time; write it like 90s or 2m", options.Timeout)
	}
	return options, limit, nil
}
