package supervisor

import "context"

// question is answered by the loop, and by nothing else: who gets an answer knows
// that it runs.
type question struct{ reply chan<- struct{} }

func (q question) apply(*Supervisor) { close(q.reply) }

// Ask waits until the loop has answered. It returns an error when ctx ends first,
// and ErrEnded when the loop has ended.
func (s *Supervisor) Ask(ctx context.Context) error {
	reply := make(chan struct{})
	select {
	case s.inbox <- question{reply}:
	case <-s.done:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-reply:
		return nil
	case <-s.done:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}
