package share

import "sync"

// Next makes one thing at a time. All who ask while one is being made share the
// next one: a hundred askers at once cost two, and nobody gets an answer that was
// begun before he asked. The zero value is ready.
type Next[T any] struct {
	// A mutex because it is for those who ask, who are many and of whom none is
	// the owner of the rest.
	mu    sync.Mutex
	now   *answer[T] // being made; nil, or closed: none is
	after *answer[T] // not begun yet; nil: nobody waits for it
}

type answer[T any] struct {
	value T
	done  chan struct{} // closed by who has made value
}

// Do returns what produce makes, for this caller or for one who shares with it.
func (n *Next[T]) Do(produce func() T) T {
	n.mu.Lock()
	if shared := n.after; shared != nil {
		n.mu.Unlock()
		<-shared.done
		return shared.value
	}
	mine, before := &answer[T]{done: make(chan struct{})}, n.now
	n.after = mine
	n.mu.Unlock()
	if before != nil {
		<-before.done
	}
	n.mu.Lock()
	n.now, n.after = mine, nil
	n.mu.Unlock()
	defer close(mine.done) // even if making panics: nobody shall wait for ever
	mine.value = produce()
	return mine.value
}
