package supervisor

import (
	"context"
	"fmt"
)

// Ping asks the loop itself for a sign of life, and returns when it has given
// one. It returns ErrEnded when the loop has ended, and another error when ctx
// ends before it has answered.
func (s *Supervisor) Ping(ctx context.Context) error {
	reply := make(chan struct{}, 1)
	select {
	case s.inbox <- ping{reply}:
	case <-s.done:
		return ErrEnded
	case <-ctx.Done():
		return fmt.Errorf("the loop takes no messages: %w", ctx.Err())
	}
	select {
	case <-reply:
		return nil
	case <-s.done:
		return ErrEnded
	case <-ctx.Done():
		return fmt.Errorf("the loop does not answer: %w", ctx.Err())
	}
}
