package share

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Who shares with whom. Not covered: a producer that never returns.

func TestHundredAtOnceAreTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Next[int]
		var made atomic.Int64
		gate := make(chan struct{})
		produce := func() int { <-gate; return int(made.Add(1)) }
		var all sync.WaitGroup
		answers := make(chan int, 100)
		for range 100 {
			all.Go(func() { answers <- n.Do(produce) })
		}
		synctest.Wait() // one is being made, 99 wait for the next
		close(gate)
		all.Wait()
		close(answers)
		count := map[int]int{}
		for a := range answers {
			count[a]++
		}
		if made.Load() != 2 || count[1] != 1 || count[2] != 99 {
			t.Errorf("%d were made, shared as %v; want 1 for the first and 1 for the other 99", made.Load(), count)
		}
	})
}

// TestNobodyGetsAnOldAnswer: what was begun before the question is not the answer.
func TestNobodyGetsAnOldAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Next[int]
		gate, world := make(chan struct{}), 1
		first := make(chan int, 1)
		go func() { first <- n.Do(func() int { seen := world; <-gate; return seen }) }()
		synctest.Wait()
		world = 2
		second := make(chan int, 1)
		go func() { second <- n.Do(func() int { return world }) }()
		synctest.Wait()
		close(gate)
		if a, b := <-first, <-second; a != 1 || b != 2 {
			t.Errorf("the first was told %d and the second %d; want 1 and 2", a, b)
		}
	})
}

func TestPanicHoldsNobodyUp(t *testing.T) {
	var n Next[int]
	func() {
		defer func() { _ = recover() }()
		n.Do(func() int { panic("no") })
	}()
	if got := n.Do(func() int { return 7 }); got != 7 {
		t.Errorf("got %d", got)
	}
}
