package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"fcgi-supervisor/supervisor"
)

// ErrNotRunning: nobody listens on the control socket. The error's text says
// where and what to do.
var ErrNotRunning = errors.New("it is not running")

// answerTimeout is how long the first line of an answer may take. The loop
// answers at once: a supervisor that takes longer is stopped or has no CPU.
const answerTimeout = 30 * time.Second

// Client speaks to the supervisor on one control socket. It holds nothing open
// between calls.
type Client struct {
	path string
	http *http.Client
}

// NewClient makes a Client; nothing is connected yet.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: &http.Client{Transport: &http.Transport{
		DialContext: dial, DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: answerTimeout,
	}}}
}

// Status asks for the Status of one pool, or of all if pool is empty.
func (c *Client) Status(ctx context.Context, pool string) (*Status, error) {
	path := "/api/v1/pools"
	if pool != "" {
		path += "/" + url.PathEscape(pool)
	}
	status := &Status{}
	err := c.ask(ctx, http.MethodGet, path, nil, func(decoder *json.Decoder) error {
		return decoder.Decode(status)
	})
	return status, err
}

// Events calls each for every event that q asks for, oldest first, until there
// are no more, each fails, or ctx or the supervisor ends. A supervisor whose
// program is replaced, or that is killed and started again, has not ended.
func (c *Client) Events(ctx context.Context, q Query, each func(Event) error) error {
	return c.followOn(ctx, &q, func() error {
		return c.ask(ctx, http.MethodGet, "/api/v1/events?"+q.values().Encode(), nil, func(decoder *json.Decoder) error {
			return decodeEach(decoder, func(e Event) error {
				q.After = e.Seq
				return each(e)
			})
		})
	})
}

// Logs calls each for every line of output that q asks for, as Events does.
func (c *Client) Logs(ctx context.Context, q Query, each func(LogLine) error) error {
	return c.followOn(ctx, &q, func() error {
		return c.ask(ctx, http.MethodGet, "/api/v1/logs?"+q.values().Encode(), nil, func(decoder *json.Decoder) error {
			return decodeEach(decoder, each)
		})
	})
}

// Do gives a command and waits for its outcome. progress, if not nil, is called
// with a line whenever the picture changes. An error means that the command was
// refused or that its outcome is not known; one that was carried out and failed
// has an Outcome that is not OK.
func (c *Client) Do(ctx context.Context, pool string, action supervisor.Action, o Options, progress func(string)) (supervisor.Outcome, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return supervisor.Outcome{}, err
	}
	var outcome *supervisor.Outcome
	path := "/api/v1/pools/" + url.PathEscape(pool) + "/" + string(action)
	err = c.askAgain(ctx, http.MethodPost, path, body, func(decoder *json.Decoder) error {
		return decodeEach(decoder, func(a Answer) error {
			switch err := a.err(); {
			case err != nil:
				return err
			case a.OK != nil:
				outcome = &supervisor.Outcome{OK: *a.OK, Text: a.Text, Output: a.Output}
			case progress != nil:
				progress(a.Progress)
			}
			return nil
		})
	})
	switch {
	case errors.Is(err, errCutOff):
		return c.resume(ctx, pool, action)
	case err == nil && outcome == nil:
		err = errEnded
	}
	if err != nil {
		return supervisor.Outcome{}, err
	}
	return *outcome, nil
}

// decodeEach reads a value a line. An answer that is cut off in the middle is
// errCutOff.
func decodeEach[T any](decoder *json.Decoder, each func(T) error) error {
	for {
		var value T
		err := decoder.Decode(&value)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
			return errCutOff
		}
		if err != nil {
			return fmt.Errorf("read the supervisor's answer: %w", err)
		}
		if err := each(value); err != nil {
			return err
		}
	}
}

// askAgain is ask, once more if the supervisor's program was replaced, or killed and
// started again, just when it was asked. To carry out a command twice does no harm.
func (c *Client) askAgain(ctx context.Context, method, path string, body []byte, read func(*json.Decoder) error) error {
	err := c.ask(ctx, method, path, body, read)
	if errors.As(err, &unanswered{}) && c.returns(ctx) {
		err = c.ask(ctx, method, path, body, read)
	}
	return err
}

// ask makes one request and hands a good answer to read.
func (c *Client) ask(ctx context.Context, method, path string, body []byte, read func(*json.Decoder) error) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil && endedAfterDial(err) {
		return unanswered{c.explain(err)}
	}
	if err != nil {
		return c.explain(err)
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	if response.StatusCode == http.StatusOK {
		return read(decoder)
	}
	var refusal Answer
	if err := decoder.Decode(&refusal); err != nil || refusal.Error == "" {
		return fmt.Errorf("%s answers with HTTP status %s: it is not our supervisor", c.path, response.Status)
	}
	return refusal.err()
}

// Ready asks whether every pool that is wanted is ready, and returns what there is
// to say of each, a line a pool.
func (c *Client) Ready(ctx context.Context) (text string, ready bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://supervisor/readyz?verbose", nil)
	if err != nil {
		return "", false, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return "", false, c.explain(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return "", false, fmt.Errorf("read the supervisor's answer: %w", err)
	}
	switch response.StatusCode {
	case http.StatusOK, http.StatusServiceUnavailable:
		return string(body), response.StatusCode == http.StatusOK, nil
	}
	return "", false, fmt.Errorf("%s answers with HTTP status %s: it is not our supervisor", c.path, response.Status)
}
