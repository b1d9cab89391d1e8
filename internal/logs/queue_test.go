package logs

// Not covered: a terminal stopped in the middle of a write(2), for which Close
// has its grace.

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// ended is a context that is over: Close must not wait for a reader.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// numberedBlock is some lines that say who wrote them and which they are.
func numberedBlock(writer, from, lines int) []byte {
	var b []byte
	for i := from; i < from+lines; i++ {
		b = fmt.Appendf(b, "writer %d line %d %s\n", writer, i, strings.Repeat("x", 80))
	}
	return b
}

// checkNumbered checks that every line is whole and that each writer's lines are
// in order, and returns how many there are of each.
func checkNumbered(t *testing.T, lines []string, writers int) []int {
	t.Helper()
	counts, last := make([]int, writers), make([]int, writers)
	for i := range last {
		last[i] = -1
	}
	for _, line := range lines {
		var writer, number int
		if _, err := fmt.Sscanf(line, "writer %d line %d ", &writer, &number); err != nil {
			t.Fatalf("torn line %q: %v", line, err)
		}
		if want := string(numberedBlock(writer, number, 1)); line != want {
			t.Fatalf("torn line %q", line)
		}
		if number <= last[writer] {
			t.Fatalf("writer %d: line %d after line %d", writer, number, last[writer])
		}
		last[writer] = number
		counts[writer]++
	}
	return counts
}

// pipe is a pipe whose writing end is a stream.
func pipe(t *testing.T) (*os.File, *os.File, *stream) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newStream(int(w.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close(); _ = w.Close(); _ = r.Close() })
	return r, w, s
}

func TestQueueNobodyReads(t *testing.T) {
	const produced = 100_000 // 10 MB
	r, w, sink := pipe(t)
	q := NewQueue(sink, Drop, nil)
	for i := 0; i < produced; i += 100 {
		_, _ = q.Write(numberedBlock(0, i, 100)) // returns, or the test never ends
	}
	if err := q.Close(ended()); err == nil {
		t.Error("Close has nothing to say about lost lines")
	}
	<-q.done // a busy machine may need longer than Close's grace
	_ = w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	counts := checkNumbered(t, linesOf(text), 1)
	if uint64(counts[0]) != q.Written() || counts[0] == 0 {
		t.Errorf("%d lines are in the pipe, %d are said to be written", counts[0], q.Written())
	}
	if q.Written()+q.Dropped() != produced {
		t.Errorf("%d written and %d dropped of %d", q.Written(), q.Dropped(), produced)
	}
}

func linesOf(text []byte) []string {
	var lines []string
	for line := range bytes.Lines(text) {
		lines = append(lines, string(line))
	}
	return lines
}

// A reader that begins when lines were lost: it is told, and all adds up.
func TestQueueSlowReader(t *testing.T) {
	const produced = 50_000
	r, w, sink := pipe(t)
	var lost uint64
	q := NewQueue(sink, Drop, func(n Notice) {
		if n.Kind != Overrun {
			t.Errorf("notice %q, %v", n.Text(), n.Err)
		}
		lost += n.Lost
	})
	for i := 0; i < produced; i += 100 {
		_, _ = q.Write(numberedBlock(0, i, 100))
	}
	var lines []string
	read := make(chan struct{})
	go func() {
		defer close(read)
		for reader := bufio.NewReaderSize(r, 128); ; {
			line, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			lines = append(lines, line)
		}
	}()
	if err := q.Close(context.Background()); err != nil {
		t.Error(err)
	}
	_ = w.Close()
	<-read
	counts := checkNumbered(t, lines, 1)
	if lost == 0 || lost != q.Dropped() || uint64(counts[0]) != q.Written() || q.Written()+lost != produced {
		t.Errorf("%d read, %d written, %d dropped, %d reported, of %d", counts[0], q.Written(), q.Dropped(), lost, produced)
	}
}

func TestQueueReaderGone(t *testing.T) {
	r, _, sink := pipe(t)
	_ = r.Close()
	notices := make(chan Notice, 10)
	q := NewQueue(sink, Drop, func(n Notice) { notices <- n })
	for range 3 {
		_, _ = q.Write([]byte("line\n"))
	}
	if err := q.Close(context.Background()); err == nil || q.Dropped() != 3 {
		t.Errorf("%d dropped, %v", q.Dropped(), err)
	}
	if n := <-notices; n.Kind != Failing || !errors.Is(n.Err, unix.EPIPE) || len(notices) > 0 {
		t.Errorf("notice %v and %d more", n, len(notices))
	}
}

// Eight workers into a file that is rotated all the time, and opened again by
// signal: no line lost, none torn, each worker's in order.
func TestQueueRotationUnderWriters(t *testing.T) {
	const writers, each, maxSize = 8, 5000, 200_000
	path := filepath.Join(t.TempDir(), "log")
	file := openLog(t, path, maxSize, 100)
	q := NewQueue(file, file.Pace(), func(n Notice) { t.Errorf("%s, %v", n.Text(), n.Err) })
	var wg sync.WaitGroup
	for writer := range writers {
		wg.Go(func() {
			for i := 0; i < each; i += 50 {
				_, _ = q.Write(numberedBlock(writer, i, 50))
			}
		})
	}
	for range 20 {
		if err := file.Reopen(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := q.Close(context.Background()); err != nil {
		t.Error(err)
	}
	lines := allLines(t, path, maxSize)
	for writer, count := range checkNumbered(t, lines, writers) {
		if count != each {
			t.Errorf("writer %d: %d lines of %d", writer, count, each)
		}
	}
	if q.Written() != writers*each || q.Dropped() != 0 {
		t.Errorf("%d written, %d dropped", q.Written(), q.Dropped())
	}
}

// A disk that is full for a while: one notice when it begins, one at its end,
// and the file has whole lines only.
func TestQueueFullDisk(t *testing.T) {
	if !inChild(t) {
		return
	}
	path := filepath.Join(t.TempDir(), "log")
	file := openLog(t, path, 0, 0)
	notices := make(chan Notice, 100)
	q := NewQueue(file, file.Pace(), func(n Notice) { notices <- n })
	lift := limitFileSize(t, 5000)
	for i := range 10 {
		_, _ = q.Write(numberedBlock(0, i*100, 100))
	}
	failing := <-notices
	if failing.Kind != Failing || !errors.Is(failing.Err, unix.EFBIG) {
		t.Errorf("first notice: %s, %v", failing.Text(), failing.Err)
	}
	waitFor(q, 1000)
	lift()
	_, _ = q.Write(numberedBlock(0, 1000, 1))
	recovered := <-notices
	if err := q.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if recovered.Kind != Recovered || recovered.Lost != q.Dropped() || len(notices) > 0 {
		t.Errorf("last notice: %s; %d dropped; %d more notices", recovered.Text(), q.Dropped(), len(notices))
	}
	counts := checkNumbered(t, allLines(t, path, 1<<20), 1)
	if uint64(counts[0]) != q.Written() || q.Written()+q.Dropped() != 1001 {
		t.Errorf("%d in the file, %d written, %d dropped", counts[0], q.Written(), q.Dropped())
	}
}

// waitFor waits until so many lines are accounted for.
func waitFor(q *Queue, lines uint64) {
	for q.Written()+q.Dropped() < lines {
		runtime.Gosched()
	}
}

func TestQueueDevFull(t *testing.T) {
	file := openLog(t, "/dev/full", 0, 0)
	notices := make(chan Notice, 100)
	q := NewQueue(file, file.Pace(), func(n Notice) { notices <- n })
	for range 10 {
		_, _ = q.Write([]byte("one\ntwo\n"))
	}
	if err := q.Close(context.Background()); err == nil {
		t.Error("Close has nothing to say about lost lines")
	}
	if n := <-notices; !errors.Is(n.Err, unix.ENOSPC) || len(notices) > 0 || q.Dropped() != 20 || q.Written() != 0 {
		t.Errorf("%v and %d more notices, %d dropped, %d written", n.Err, len(notices), q.Dropped(), q.Written())
	}
}

// gate is a sink whose writes wait to be let through: a disk that stalls.
type gate chan struct{}

func (g gate) Write(lines []byte) (int, error) {
	<-g
	return len(lines), nil
}

// Producers go at a disk's pace, give up when one write takes a second, do not
// wait again until it has ended, and then wait again.
func TestQueueStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perBlock = 100
		block := numberedBlock(0, 0, perBlock)
		inHand := (batchSize - ownRoom) / len(block) * perBlock // at least, when full
		sink := make(gate)
		var notices []Notice
		q := NewQueue(sink, Wait, func(n Notice) { notices = append(notices, n) })
		produced := uint64(0)
		write := func(blocks int) time.Duration {
			start := time.Now()
			for range blocks {
				_, _ = q.Write(block)
				produced += perBlock
			}
			return time.Since(start)
		}
		write(1)
		synctest.Wait() // the first block is being written
		if waited := write(2 * inHand / perBlock); waited != stallLimit {
			t.Errorf("producers of a stalled disk waited %v", waited)
		}
		dropped := q.Dropped()
		if dropped == 0 {
			t.Error("nothing was dropped")
		}
		sink <- struct{}{}
		synctest.Wait()

		// It moves again: what waits gets in when the batch ahead is taken.
		go func() { time.Sleep(stallLimit / 2); sink <- struct{}{} }() // virtual time
		write(inHand/perBlock + 2)
		if q.Dropped() != dropped {
			t.Errorf("%d lines dropped while the disk made progress", q.Dropped()-dropped)
		}
		close(sink)
		if err := q.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if q.Written()+q.Dropped() != produced {
			t.Errorf("%d written and %d dropped of %d", q.Written(), q.Dropped(), produced)
		}
		if len(notices) != 1 || notices[0].Kind != Overrun || notices[0].Lost != dropped {
			t.Errorf("notices: %v", notices)
		}
	})
}

// The supervisor is heard in a flood of worker output, and does not wait.
func TestQueueOwnLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := make(gate)
		q := NewQueue(sink, Wait, nil)
		_, _ = q.Write([]byte("first\n"))
		synctest.Wait()
		for q.Dropped() == 0 {
			_, _ = q.Write(numberedBlock(0, 0, 500))
		}
		dropped := q.Dropped()
		own := []byte(strings.Repeat("o", 1023) + "\n")
		start := time.Now()
		for range ownRoom / len(own) {
			q.Own(own)
		}
		if q.Dropped() != dropped || time.Now() != start {
			t.Errorf("%d own lines dropped, after %v", q.Dropped()-dropped, time.Since(start))
		}
		for range 2 { // beyond its room
			q.Own(own)
		}
		if q.Dropped() == dropped || time.Now() != start {
			t.Errorf("%d own lines dropped, after %v", q.Dropped()-dropped, time.Since(start))
		}
		close(sink)
		_ = q.Close(context.Background())
	})
}

func TestQueueLineLargerThanQueue(t *testing.T) {
	var out bytes.Buffer
	q := NewQueue(&out, Wait, nil)
	huge := strings.Repeat("x", 2*batchSize) + "\n"
	_, _ = q.Write([]byte(huge + "small\n"))
	q.Own([]byte("own\n"))
	if err := q.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if want := huge + "small\nown\n"; out.String() != want {
		t.Errorf("got %d bytes, want %d", out.Len(), len(want))
	}
}

func TestQueueAfterClose(t *testing.T) {
	q := NewQueue(io.Discard, Wait, nil)
	_ = q.Close(context.Background())
	_, _ = q.Write([]byte("one\ntwo\n"))
	q.Own([]byte("three\n"))
	if q.Dropped() != 3 {
		t.Errorf("%d dropped, want 3", q.Dropped())
	}
}

// Who must know that its lines are written waits for the write that has them, and
// not for ever.
func TestQueueSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := make(gate)
		q := NewQueue(sink, Drop, nil)
		q.Sync() // nothing is queued
		_, _ = q.Write([]byte("first\n"))
		synctest.Wait() // it is being written
		_, _ = q.Write([]byte("second\n"))
		synced := make(chan uint64, 1)
		go func() { q.Sync(); synced <- q.Written() }()
		synctest.Wait()
		sink <- struct{}{}
		sink <- struct{}{}
		if n := <-synced; n != 2 {
			t.Errorf("%d lines were written when Sync returned", n)
		}

		_, _ = q.Write([]byte("nobody reads\n"))
		for _, want := range []time.Duration{syncLimit, 0} { // once is enough
			begin := time.Now()
			if q.Sync(); time.Since(begin) != want {
				t.Errorf("waited %v for a sleeping reader, want %v", time.Since(begin), want)
			}
		}
		close(sink)
		if err := q.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
