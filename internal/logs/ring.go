package logs

import (
	"bytes"
	"sync"
	"time"
)

// RingSize is what a pool's Ring holds: the figure that pebble found right.
const RingSize = 100 << 10

// blockCost is counted for each block beside its bytes, so that a flood of empty
// lines, each a block of its own, is bounded like any other.
const blockCost = 96

// Ring is the last of a pool's output. All workers of the pool add to it and any
// number of followers read it.
//
// It has a mutex because a worker's output must not wait for the loop to have
// time for a message, and a copy of at most the ring's size is all that is ever
// done under it.
type Ring struct {
	size int

	mu     sync.Mutex
	bytes  []byte        // the blocks' lines, back to back, beginning at head
	head   int           // what lies before it is forgotten
	blocks []heldBlock   // oldest first
	last   uint64        // Seq of the newest line
	more   chan struct{} // closed by Add; nil while nobody waits
}

// heldBlock is a Block whose lines lie in Ring.bytes.
type heldBlock struct {
	at        time.Time
	pool      string
	slot, pid int
	partial   bool
	lines     uint64
	length    int
}

// NewRing makes a Ring for size bytes of output; RingSize is usual. Nothing is
// allocated before the first line.
func NewRing(size int) *Ring {
	return &Ring{size: size}
}

// Add keeps a copy of the block and lets go of the oldest lines. Of a block
// larger than the ring the last lines are kept.
func (r *Ring) Add(b Block) {
	kept := b.Bytes
	if excess := len(kept) + blockCost - r.size; excess > 0 {
		kept = kept[lineStart(kept, excess):]
	}
	lines := countLines(kept)
	forgone := countLines(b.Bytes[:len(b.Bytes)-len(kept)])
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last += forgone + lines
	if r.more != nil {
		close(r.more)
		r.more = nil
	}
	r.forget(len(b.Bytes) + blockCost)
	if len(kept) == 0 {
		return
	}
	if len(r.bytes)+len(kept) > 2*r.size {
		r.bytes = append(r.bytes[:0], r.bytes[r.head:]...)
		r.head = 0
	}
	r.bytes = append(r.bytes, kept...)
	r.blocks = append(r.blocks, heldBlock{
		at: b.At, pool: b.Pool, slot: b.Slot, pid: b.PID, partial: b.Partial,
		lines: lines, length: len(kept),
	})
}

// forget lets go of the oldest lines until there is room for need bytes.
func (r *Ring) forget(need int) {
	excess := need + len(r.bytes) - r.head + blockCost*len(r.blocks) - r.size
	for excess > 0 && len(r.blocks) > 0 {
		oldest := &r.blocks[0]
		lines := r.bytes[r.head : r.head+oldest.length]
		gone := lineStart(lines, excess)
		r.head += gone
		excess -= gone
		oldest.length -= gone
		oldest.lines -= countLines(lines[:gone])
		if oldest.length == 0 {
			r.blocks = r.blocks[1:]
			excess -= blockCost
		}
	}
}

// lineStart is where the first line that begins at or after from begins; the
// length of lines if none does.
func lineStart(lines []byte, from int) int {
	if from <= 0 {
		return 0
	}
	if from > len(lines) {
		return len(lines)
	}
	if end := bytes.IndexByte(lines[from-1:], '\n'); end >= 0 {
		return from + end
	}
	return len(lines)
}

// Lines is how many have been added.
func (r *Ring) Lines() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Tail returns the last n lines, oldest first; all there are if n is negative.
func (r *Ring) Tail(n int) []Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n < 0 || uint64(n) > r.last {
		return r.after(0)
	}
	return r.after(r.last - uint64(n))
}

// After returns the lines that followed the one numbered seq (0: all there are),
// and a channel that is closed when there are more. A follower that was too slow
// finds a gap in Seq; Missed counts it.
func (r *Ring) After(seq uint64) (lines []Line, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.more == nil {
		r.more = make(chan struct{})
	}
	return r.after(seq), r.more
}

// Missed is how many lines a follower that had seen the one numbered seq has
// missed when After gave it lines.
func Missed(seq uint64, lines []Line) uint64 {
	if len(lines) == 0 {
		return 0
	}
	return lines[0].Seq - seq - 1
}

func (r *Ring) after(seq uint64) []Line {
	held := uint64(0)
	for _, b := range r.blocks {
		held += b.lines
	}
	if seq >= r.last || held == 0 {
		return nil
	}
	next := r.last - held + 1
	lines := make([]Line, 0, min(held, r.last-seq))
	text := bytes.Clone(r.bytes[r.head:])
	for _, b := range r.blocks {
		block := text[:b.length]
		text = text[b.length:]
		if next+b.lines <= seq+1 {
			next += b.lines
			continue
		}
		for ; len(block) > 0; next++ {
			line := firstLine(block)
			block = block[len(line):]
			if next > seq {
				lines = append(lines, b.line(next, line))
			}
		}
	}
	return lines
}

func (b *heldBlock) line(seq uint64, line []byte) Line {
	end := len(line) - 1
	return Line{
		Seq: seq, At: b.at, Pool: b.pool, Slot: b.slot, PID: b.pid,
		Text: line[:end:end], Partial: b.partial,
	}
}
