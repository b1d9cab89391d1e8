package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"fcgi-supervisor/supervisor"
)

// returnGrace is how long a client waits for a supervisor that has been killed to
// be started again.
const returnGrace = 10 * time.Second

var (
	// errCutOff: the connection ended in the middle of an answer, as it does when the
	// supervisor's program is replaced or killed.
	errCutOff = errors.New("the connection to the supervisor was cut off")
	errEnded  = errors.New("the supervisor ended before it could tell the outcome")
)

// unanswered: the connection was made, and ended before the answer began.
type unanswered struct{ error }

// endedAfterDial: net/http has several errors for that, not all of them exported.
func endedAfterDial(err error) bool {
	var op *net.OpError
	dialing := errors.As(err, &op) && op.Op == "dial"
	return !dialing && !errors.Is(err, context.Canceled) && !os.IsTimeout(err)
}

// returns waits until a supervisor answers that has gone without removing its
// socket: its program was replaced, or it was killed. False: it was stopped, or
// does not come back.
func (c *Client) returns(ctx context.Context) bool {
	deadline := time.Now().Add(returnGrace)
	for time.Now().Before(deadline) {
		if _, err := os.Lstat(c.path); err != nil {
			return false
		}
		if _, err := c.Status(ctx, ""); err == nil {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pollPause):
		}
	}
	return false
}

// followOn calls follow again and again, for as long as the supervisor comes back
// from wherever it was.
func (c *Client) followOn(ctx context.Context, q *Query, follow func() error) error {
	for {
		err := follow()
		if !errors.Is(err, errCutOff) {
			return err
		}
		if !q.Follow || !c.returns(ctx) {
			return nil
		}
		q.Last = -1 // all that is there is new
	}
}

// resume finds out what became of a command that an earlier program was given.
func (c *Client) resume(ctx context.Context, pool string, action supervisor.Action) (supervisor.Outcome, error) {
	if !c.returns(ctx) {
		return supervisor.Outcome{}, errEnded
	}
	for {
		status, err := c.Status(ctx, pool)
		if err != nil {
			return supervisor.Outcome{}, err
		}
		if o, known := status.Pools[0].outcome(action); known {
			return o, nil
		}
		select {
		case <-ctx.Done():
			return supervisor.Outcome{}, ctx.Err()
		case <-time.After(pollPause):
		}
	}
}

// outcome judges by where the pool has come to.
func (p *Pool) outcome(action supervisor.Action) (supervisor.Outcome, bool) {
	renews := action == supervisor.ActionReload || action == supervisor.ActionRestart
	switch r := p.LastReload; {
	case p.State == string(supervisor.Stopped):
		return supervisor.Outcome{OK: action == supervisor.ActionStop, Text: p.Name + ": stopped"}, true
	case p.State == string(supervisor.Backoff) && p.LastFailure != nil:
		return supervisor.Outcome{Text: p.Name + ": " + p.LastFailure.Text, Output: p.LastFailure.Output}, true
	case p.State != string(supervisor.Running):
		return supervisor.Outcome{}, false
	case renews && r != nil && r.Result != nil && *r.Result != "ok":
		return supervisor.Outcome{Text: fmt.Sprintf("%s: generation %d dropped, generation %d serves on: %s", p.Name, r.Generation, p.Generation, r.Text),
			Output: r.Output}, true
	}
	return supervisor.Outcome{OK: true, Text: fmt.Sprintf("%s: generation %d, %d of %d workers ready; the supervisor was replaced meanwhile",
		p.Name, p.Generation, p.Ready, p.Wanted)}, true
}
