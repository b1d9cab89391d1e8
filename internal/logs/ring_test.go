package logs

// Not covered: the ring under a follower in another process; that is the control
// socket's.

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func texts(lines []Line) []string {
	var got []string
	for _, l := range lines {
		got = append(got, string(l.Text))
	}
	return got
}

func TestRingKeepsWhoAndWhen(t *testing.T) {
	r := NewRing(RingSize)
	at := time.Date(2026, 11, 22, 9, 31, 7, 0, time.UTC)
	r.Add(Block{At: at, Pool: "blog", Slot: 3, PID: 4711, Bytes: []byte("one\ntwo\n")})
	r.Add(Block{At: at.Add(time.Second), Pool: "blog", Slot: 4, PID: 4712, Bytes: []byte("\xff\x00\n"), Partial: true})
	got := fmt.Sprint(r.Tail(-1))
	want := fmt.Sprint([]Line{
		{Seq: 1, At: at, Pool: "blog", Slot: 3, PID: 4711, Text: []byte("one")},
		{Seq: 2, At: at, Pool: "blog", Slot: 3, PID: 4711, Text: []byte("two")},
		{Seq: 3, At: at.Add(time.Second), Pool: "blog", Slot: 4, PID: 4712, Text: []byte("\xff\x00"), Partial: true},
	})
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRingTail(t *testing.T) {
	r := NewRing(RingSize)
	r.Add(Block{Bytes: []byte("1\n2\n3\n")})
	r.Add(Block{Bytes: []byte("4\n5\n")})
	for n, want := range map[int]string{-1: "12345", 0: "", 1: "5", 2: "45", 3: "345", 5: "12345", 6: "12345"} {
		if got := strings.Join(texts(r.Tail(n)), ""); got != want {
			t.Errorf("Tail(%d) = %q, want %q", n, got, want)
		}
	}
	if got := NewRing(RingSize).Tail(5); got != nil {
		t.Errorf("an empty ring gave %v", got)
	}
}

func TestRingLineLargerThanRing(t *testing.T) {
	r := NewRing(1000)
	r.Add(Block{Bytes: []byte("before\n")})
	r.Add(Block{Bytes: []byte(strings.Repeat("x", 2000) + "\n")})
	r.Add(Block{Bytes: []byte("after\n")})
	lines := r.Tail(-1)
	if len(lines) != 1 || string(lines[0].Text) != "after" || lines[0].Seq != 3 {
		t.Errorf("got %v", lines)
	}
}

func TestRingFollowerSeesGap(t *testing.T) {
	r := NewRing(1000)
	r.Add(Block{Bytes: []byte("1\n2\n3\n")})
	lines, more := r.After(2)
	if got := texts(lines); !slices.Equal(got, []string{"3"}) {
		t.Fatalf("got %q", got)
	}
	select {
	case <-more:
		t.Fatal("more, before there was any")
	default:
	}
	for i := range 100 {
		r.Add(Block{Bytes: fmt.Appendf(nil, "line %d\n", i)})
	}
	<-more
	lines, _ = r.After(3)
	if lines[len(lines)-1].Seq != 103 {
		t.Errorf("last Seq is %d, want 103", lines[len(lines)-1].Seq)
	}
	if missed := Missed(3, lines); missed == 0 || missed+uint64(len(lines)) != 100 {
		t.Errorf("missed %d and got %d, want 100 together", missed, len(lines))
	}
}

// Random blocks against the plain list of all lines ever added: the ring holds
// the newest of them, numbered without gaps, within its size and not much less.
func TestRingHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 2000
		r := NewRing(size)
		var all []string
		for range rapid.IntRange(1, 60).Draw(t, "blocks") {
			var block []byte
			for range rapid.IntRange(1, 30).Draw(t, "lines") {
				line := fmt.Sprint(len(all), strings.Repeat("x", rapid.IntRange(0, 60).Draw(t, "length")))
				all = append(all, line)
				block = append(block, line+"\n"...)
			}
			r.Add(Block{Bytes: block})
			lines := r.Tail(-1)
			if held := len(r.bytes) - r.head + blockCost*len(r.blocks); held > size || cap(r.bytes) > 4*size {
				t.Fatalf("%d bytes held, capacity %d", held, cap(r.bytes))
			}
			if len(lines) < len(all) && len(strings.Join(texts(lines), "\n")) < size/10 {
				t.Fatalf("only %d lines held", len(lines))
			}
			if want := all[len(all)-len(lines):]; !slices.Equal(texts(lines), want) {
				t.Fatalf("got %q, want %q", texts(lines), want)
			}
			for i, l := range lines {
				if want := uint64(len(all) - len(lines) + i + 1); l.Seq != want {
					t.Fatalf("line %d has Seq %d, want %d", i, l.Seq, want)
				}
			}
		}
	})
}

func TestRingFollowersAndWriters(t *testing.T) {
	const writers, each = 4, 500
	r := NewRing(RingSize)
	var wg sync.WaitGroup
	for slot := range writers {
		wg.Go(func() {
			for i := range each {
				r.Add(Block{Slot: slot, Bytes: fmt.Appendf(nil, "%d\n", i)})
			}
		})
	}
	seen, missed := uint64(0), uint64(0)
	for seq := uint64(0); seq < writers*each; {
		lines, more := r.After(seq)
		if len(lines) == 0 {
			<-more
			continue
		}
		missed += Missed(seq, lines)
		seen += uint64(len(lines))
		seq = lines[len(lines)-1].Seq
	}
	wg.Wait()
	if seen+missed != writers*each {
		t.Errorf("saw %d, missed %d, of %d", seen, missed, writers*each)
	}
}

func TestLast(t *testing.T) {
	numbered := func(from, to int) (lines []string) {
		for i := from; i <= to; i++ {
			lines = append(lines, fmt.Sprint("line ", i))
		}
		return lines
	}
	block := func(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
	wide := func(c string) string { return strings.Repeat(c, 1500) }
	tests := []struct {
		name   string
		blocks []string
		want   []string
	}{
		{"nothing", nil, nil},
		{"few", []string{"a\nb\n", "\n"}, []string{"a", "b", ""}},
		{"twenty of one block", []string{block(numbered(1, 50)...)}, numbered(31, 50)},
		{"twenty of many blocks", []string{block(numbered(1, 15)...), block(numbered(16, 30)...)}, numbered(11, 30)},
		{"4 KiB of one block", []string{block(wide("a"), wide("b"), wide("c"))}, []string{wide("b"), wide("c")}},
		{"4 KiB of many blocks", []string{block(wide("a")), block(wide("b")), block(wide("c"))}, []string{wide("b"), wide("c")}},
		{"cut at a line's end", []string{block(wide("a"), strings.Repeat("b", LastBytes-1))}, []string{strings.Repeat("b", LastBytes-1)}},
		{"one long line", []string{block(strings.Repeat("a", LastBytes) + "end")}, []string{strings.Repeat("a", LastBytes-4) + "end"}},
		{"long line, then another", []string{block(strings.Repeat("a", LastBytes)), "end\n"}, []string{"end"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var l Last
			for _, b := range test.blocks {
				l.Add([]byte(b))
			}
			if got := l.Lines(); !slices.Equal(got, test.want) {
				t.Errorf("got  %.60q\nwant %.60q", got, test.want)
			}
		})
	}
}
