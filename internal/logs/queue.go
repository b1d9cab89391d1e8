package logs

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// batchSize is half of the 1 MiB that a Queue holds: one batch is being
	// written while the next is filled.
	batchSize = 512 << 10
	// ownRoom is the part of a batch that workers cannot fill: the supervisor
	// must be heard in a flood.
	ownRoom = 64 << 10
	// stallLimit is how long a producer waits for a disk that makes no progress.
	stallLimit = time.Second
	// syncLimit is how long Sync waits for a reader that may be asleep.
	syncLimit = 5 * time.Millisecond
	// interruptGrace is how long Close waits for an interrupted write to return:
	// a write(2) to a terminal that was stopped in the middle, or to a disk that
	// is gone, never does.
	interruptGrace = 500 * time.Millisecond
)

// Pace is what a Queue does with its producers when it is full.
type Pace int

const (
	// Drop: nobody waits; what does not fit is dropped. For pipes, terminals
	// and sockets, behind which a reader may be asleep.
	Drop Pace = iota
	// Wait: producers go at the sink's pace, as if they wrote the file
	// themselves, until a single write takes longer than a second. For files.
	Wait
)

// Queue stands between those who have lines and a sink that may be slow. One
// goroutine writes; it is started by NewQueue and ended by Close. Workers' lines
// enter by Write, the supervisor's own by Own.
//
// It has a mutex because its producers are the readers of all workers' pipes,
// whose lines must reach the sink without the loop's help. Under it, lines are
// copied and nothing waits.
type Queue struct {
	sink   io.Writer // given by NewQueue, used by run alone
	pace   Pace
	notice func(Notice)
	done   chan struct{} // closed by run

	written, dropped atomic.Uint64

	mu      sync.Mutex
	filled  *sync.Cond    // pending has lines, or closed
	pending *batch        // nil: no lines
	room    chan struct{} // closed by run when pending was taken; nil: nobody waits
	next    chan struct{} // closed by run when pending is written; nil: nobody waits
	current chan struct{} // likewise what is being written
	writing bool          // run is in the sink's Write
	late    bool          // Sync waited in vain; set back by the next end of a write
	stalled bool          // a producer waited in vain; set back by the next end of a write
	failing bool          // the last write failed
	closed  bool          // workers' lines are refused
	ended   bool          // and ours too: run has returned, or is about to
	lost    uint64        // lines dropped since the last Notice
}

// batch is what one write takes. Batches are shared by all queues, so that an
// idle one holds no memory.
type batch struct{ bytes []byte }

var batches = sync.Pool{New: func() any { return &batch{make([]byte, 0, batchSize)} }}

// NewQueue starts a Queue in front of sink. The sink returns from Write how many
// bytes of the lines it took; if it has a method Interrupt(), Close uses it to
// end a write that nobody takes. notice, if not nil, is called from the queue's
// goroutine, which does not write meanwhile.
func NewQueue(sink io.Writer, pace Pace, notice func(Notice)) *Queue {
	if notice == nil {
		notice = func(Notice) {}
	}
	q := &Queue{sink: sink, pace: pace, notice: notice, done: make(chan struct{})}
	q.filled = sync.NewCond(&q.mu)
	go q.run()
	return q
}

// Written is the number of lines that the sink has taken.
func (q *Queue) Written() uint64 { return q.written.Load() }

// Dropped is the number of lines that were lost: for want of room, because the
// sink failed, or because the queue was closed.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// Write queues a worker's lines, which must be whole, and copies them. It never
// fails: what cannot be queued is dropped and counted.
func (q *Queue) Write(lines []byte) (int, error) {
	taken := len(lines)
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(lines) > 0 && !q.closed {
		lines = q.fill(lines, batchSize-ownRoom)
		if len(lines) > 0 && !q.waitForRoom() {
			break
		}
	}
	q.drop(lines)
	return taken, nil
}

// Own queues lines of the supervisor's own. It never waits, whatever the pace,
// and has some room that workers cannot take.
func (q *Queue) Own(lines []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ended {
		lines = q.fill(lines, batchSize)
	}
	q.drop(lines)
}

// fill queues as many of the lines as limit allows, and returns the others. A
// line longer than limit goes alone.
func (q *Queue) fill(lines []byte, limit int) []byte {
	if len(lines) == 0 {
		return nil
	}
	if q.pending == nil {
		q.pending = batches.Get().(*batch)
	}
	fitting := wholeLines(lines, limit-len(q.pending.bytes))
	if len(fitting) == 0 && len(q.pending.bytes) == 0 {
		fitting = firstLine(lines)
	}
	if len(fitting) > 0 {
		q.pending.bytes = append(q.pending.bytes, fitting...)
		q.filled.Signal()
	}
	return lines[len(fitting):]
}

// waitForRoom waits, without the mutex, until run has taken the pending batch;
// false: there will be no room in good time.
func (q *Queue) waitForRoom() bool {
	if q.pace == Drop || q.stalled {
		return false
	}
	if q.room == nil {
		q.room = make(chan struct{})
	}
	room := q.room
	q.mu.Unlock()
	timer := time.NewTimer(stallLimit)
	defer timer.Stop()
	stalled := false
	select {
	case <-room:
	case <-timer.C:
		stalled = true
	}
	q.mu.Lock()
	if stalled && q.room == room {
		q.stalled = true
	}
	return !q.stalled
}

// Sync returns when what is queued now has been written, or has failed to be. It
// gives up on a sink that makes no progress, soon on one that may be asleep.
func (q *Queue) Sync() {
	q.mu.Lock()
	done := q.doneAfterThis()
	limit := stallLimit
	if q.pace == Drop {
		limit = syncLimit
	}
	skip := done == nil || q.late || q.stalled
	q.mu.Unlock()
	if skip {
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		q.mu.Lock()
		q.late = true
		q.mu.Unlock()
	}
}

// doneAfterThis is closed when everything that is queued has been written; nil if
// nothing is.
func (q *Queue) doneAfterThis() chan struct{} {
	done := &q.next
	switch {
	case q.pending != nil:
	case q.writing:
		done = &q.current
	default:
		return nil
	}
	if *done == nil {
		*done = make(chan struct{})
	}
	return *done
}

func (q *Queue) drop(lines []byte) {
	if len(lines) > 0 {
		n := countLines(lines)
		q.lost += n
		q.dropped.Add(n)
	}
}

// run writes what is queued, until the queue is closed and empty.
func (q *Queue) run() {
	defer close(q.done)
	for b := q.take(); b != nil; b = q.take() {
		n, err := q.sink.Write(b.bytes)
		if notice, ok := q.account(b.bytes, n, err); ok {
			q.notice(notice)
		}
		if cap(b.bytes) == batchSize {
			b.bytes = b.bytes[:0]
			batches.Put(b)
		}
	}
}

// take waits for lines; nil when the queue is closed and empty.
func (q *Queue) take() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.pending == nil && !q.closed {
		q.filled.Wait()
	}
	b := q.pending
	q.pending = nil
	q.current, q.next = q.next, nil
	q.writing = b != nil
	q.ended = b == nil
	q.giveRoom()
	return b
}

func (q *Queue) giveRoom() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// account counts the outcome of a write and says what there is to report.
func (q *Queue) account(lines []byte, n int, err error) (Notice, bool) {
	q.written.Add(countLines(lines[:n]))
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stalled, q.late, q.writing = false, false, false
	if q.current != nil {
		close(q.current)
		q.current = nil
	}
	// A line of which the sink took a part is lost; its newline is in the rest.
	q.drop(lines[n:])
	switch {
	case err != nil && q.failing:
		return Notice{}, false
	case err != nil:
		q.failing = true
		return Notice{Kind: Failing, Err: err}, true
	case q.failing:
		q.failing = false
		return q.losses(Recovered), true
	case q.lost > 0:
		return q.losses(Overrun), true
	}
	return Notice{}, false
}

func (q *Queue) losses(kind Kind) Notice {
	n := Notice{Kind: kind, Lost: q.lost, Pace: q.pace}
	q.lost = 0
	return n
}

// Close takes no more lines, waits until those queued are written, and ends the
// goroutine. When ctx ends first the write under way is interrupted and the rest
// is dropped; the error says so. The sink is not closed; it must stay open if a
// write to it cannot even be interrupted (the error then wraps ctx's).
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.filled.Signal()
	q.giveRoom()
	q.mu.Unlock()
	select {
	case <-q.done:
	case <-ctx.Done():
		if !q.interrupt() {
			return fmt.Errorf("flush log: a write does not return: %w", ctx.Err())
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lost > 0 {
		return fmt.Errorf("flush log: %s lost", linesWere(q.lost))
	}
	return nil
}

// interrupt ends the write under way, and says whether it could.
func (q *Queue) interrupt() bool {
	if sink, ok := q.sink.(interface{ Interrupt() }); ok {
		sink.Interrupt()
	}
	select {
	case <-q.done:
		return true
	case <-time.After(interruptGrace):
		return false
	}
}
