package logs

// Figures for DESIGN's claims about output; `go test -bench . -run ^$`. Not
// covered: the pipe itself, which costs a copy of its own in the kernel.

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// chunk is what one read of a full pipe gives: 100-byte lines, the last unfinished.
var chunk = bytes.Repeat([]byte(string(bytes.Repeat([]byte("x"), 99))+"\n"), MaxLine/100+1)[:MaxLine]

func BenchmarkCutter(b *testing.B) {
	b.SetBytes(int64(len(chunk)))
	c := NewCutter(func([]byte, bool) {})
	for b.Loop() {
		_, _ = c.Write(chunk)
	}
}

func BenchmarkRing(b *testing.B) {
	b.SetBytes(int64(len(chunk)))
	r := NewRing(RingSize)
	c := NewCutter(func(lines []byte, _ bool) { r.Add(Block{Bytes: lines}) })
	for b.Loop() {
		_, _ = c.Write(chunk)
	}
}

// BenchmarkFile is the way of a worker's output into a rotated file: cutter,
// ring, last lines, queue, file.
func BenchmarkFile(b *testing.B) {
	file, err := OpenFile(filepath.Join(b.TempDir(), "log"), 50<<20, 3, FileMode)
	if err != nil {
		b.Fatal(err)
	}
	q := NewQueue(file, file.Pace(), nil)
	r := NewRing(RingSize)
	var last Last
	c := NewCutter(func(lines []byte, partial bool) {
		r.Add(Block{At: time.Now(), Bytes: lines, Partial: partial})
		last.Add(lines)
		_, _ = q.Write(lines)
	})
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		_, _ = c.Write(chunk)
	}
	if err := q.Close(context.Background()); err != nil || q.Dropped() > 0 {
		b.Fatalf("%d lines dropped, %v", q.Dropped(), err)
	}
	_ = file.Close()
}

func BenchmarkOutput(b *testing.B) {
	for _, look := range []look{{format: Text}, {format: Text, terminal: true}, {format: Journal}, {format: JSON}} {
		name := string(look.format)
		if look.terminal {
			name += "-terminal"
		}
		b.Run(name, func(b *testing.B) {
			h := newHandler(look, levelAll, discard, discard)
			c := NewCutter(func(lines []byte, _ bool) {
				h.Output(Block{At: time.Now(), Pool: "blog", Slot: 3, PID: 4711, Bytes: lines})
			})
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				_, _ = c.Write(chunk)
			}
		})
	}
}

func discard(lines []byte) { _, _ = io.Discard.Write(lines) }

// BenchmarkLog is a Log on a pipe that is read as fast as can be; dropped lines
// are not counted as throughput, and there is nobody to slow the producer down.
func BenchmarkLog(b *testing.B) {
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	read := make(chan int64)
	go func() {
		n, _ := io.Copy(io.Discard, r)
		read <- n
	}()
	l, err := NewLog(w, Text, levelAll)
	if err != nil {
		b.Fatal(err)
	}
	c := NewCutter(func(lines []byte, _ bool) {
		l.WorkerOutput(Block{At: time.Now(), Pool: "blog", Slot: 3, PID: 4711, Bytes: lines})
	})
	for b.Loop() {
		_, _ = c.Write(chunk)
	}
	_ = l.Close(context.Background())
	_ = w.Close()
	b.ReportMetric(float64(<-read)/1e6/b.Elapsed().Seconds(), "readMB/s")
	b.ReportMetric(100*float64(l.Dropped())/float64(l.Dropped()+l.Written()), "%dropped")
}
