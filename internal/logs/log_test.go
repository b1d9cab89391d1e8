package logs

// Not covered: standard error itself; a Log is handed any descriptor.

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestLogOnFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l, err := NewLog(file, Journal, levelAll)
	if err != nil {
		t.Fatal(err)
	}
	l.Slog().Info("started", "pool", "blog", "worker", 3, "pid", 4711)
	l.WorkerOutput(Block{At: time.Now(), Pool: "blog", Slot: 3, PID: 4711, Bytes: []byte("a\nb\n")})
	if err := l.Close(context.Background()); err != nil {
		t.Error(err)
	}
	got, err := os.ReadFile(path)
	if want := "<6>blog/3[4711] started\n<6>blog/3[4711] a\n<6>blog/3[4711] b\n"; string(got) != want || err != nil {
		t.Errorf("got %q, want %q, %v", got, want, err)
	}
	if l.Written() != 3 || l.Dropped() != 0 {
		t.Errorf("%d written, %d dropped", l.Written(), l.Dropped())
	}
}

// A reader that was asleep while lines were lost is told so by one of ours.
func TestLogTellsWhatWasLost(t *testing.T) {
	const produced = 60_000
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l, err := NewLog(w, Journal, levelAll)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < produced; i += 100 {
		l.WorkerOutput(Block{Pool: "blog", Slot: 3, PID: 4711, Bytes: numberedBlock(0, i, 100)})
	}
	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	if err := l.Close(context.Background()); err != nil {
		t.Error(err)
	}
	_ = w.Close()
	text := <-read
	var worker, lost int
	notice := regexp.MustCompile(`^<4>\d+ lines of worker output dropped: the log's reader is too slow\n$`)
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "<6>blog/3[4711] writer 0 line "):
			worker++
		case notice.MatchString(line):
			var n int
			_, _ = fmt.Sscanf(line, "<4>%d", &n)
			lost += n
		default:
			t.Errorf("unexpected line %q", line)
		}
	}
	if lost == 0 || worker+lost != produced || uint64(lost) != l.Dropped() {
		t.Errorf("%d lines of output, %d said to be lost, %d dropped, of %d", worker, lost, l.Dropped(), produced)
	}
}

func TestLogNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l, err := NewLog(w, JSON, levelAll)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		l.WorkerOutput(Block{Bytes: numberedBlock(0, 0, 100)})
		l.Slog().Info("still here")
	}
	if err := l.Close(ended()); err == nil {
		t.Error("Close has nothing to say about lost lines")
	}
	<-l.queue.done // a busy machine may need longer than Close's grace
	_ = w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if inPipe := countLines(text); inPipe != l.Written() || text[len(text)-1] != '\n' {
		t.Errorf("%d lines in the pipe, %d written", inPipe, l.Written())
	}
	// The Log may have had something to add about lines lost.
	if produced := uint64(1000 * 101); l.Written()+l.Dropped() < produced {
		t.Errorf("%d written, %d dropped, of %d", l.Written(), l.Dropped(), produced)
	}
}
