package dev

import (
	"context"
	"sync"
	"time"

	"fcgi-supervisor/internal/control"
)

// kept is how many lines of output a page can show.
const kept = 200

// output is what workers have written of late.
type output struct {
	mu    sync.Mutex // written by one goroutine, read by every request that failed
	lines []string
	first uint64        // number of lines[0]
	more  chan struct{} // closed when there is another line
}

func newOutput() *output { return &output{more: make(chan struct{})} }

// follow takes lines from the supervisor until ctx or the supervisor ends.
func (o *output) follow(ctx context.Context, client *control.Client) {
	_ = client.Logs(ctx, control.Query{Last: -1, Follow: true}, func(l control.LogLine) error {
		o.add(l.Text)
		return nil
	})
}

func (o *output) add(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, line)
	if len(o.lines) > kept {
		o.lines, o.first = o.lines[1:], o.first+1
	}
	close(o.more)
	o.more = make(chan struct{})
}

// end is the number that the next line will have.
func (o *output) end() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.first + uint64(len(o.lines))
}

// since are the lines from a number on. Output takes another way than the answer
// and may be a little later: it is waited for, until it pauses.
func (o *output) since(number uint64, pause time.Duration) []string {
	for {
		o.mu.Lock()
		more := o.more
		o.mu.Unlock()
		select {
		case <-more:
		case <-time.After(pause):
			o.mu.Lock()
			defer o.mu.Unlock()
			return append([]string{}, o.lines[min(uint64(len(o.lines)), max(number, o.first)-o.first):]...)
		}
	}
}
