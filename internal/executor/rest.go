package executor

import (
	"time"

	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/worker"
)

// restTime is how long a kept-alive connection must have been at rest to count as
// idle. A slow upload looks alike while nothing at all arrives for so long.
const restTime = time.Second

// rests remember since when connections have been at rest: the worker blocked
// reading them, nothing in them to be read, and nothing read meanwhile. It belongs
// to one goroutine.
type rests struct {
	since    map[uint64]time.Time
	progress map[int]uint64 // by pid
}

func newRests() *rests {
	return &rests{since: map[uint64]time.Time{}, progress: map[int]uint64{}}
}

// judge tells of each connection whether something is going on in it, given the
// workers that may hold them. Web servers open another when an idle one closes.
func (r *rests) judge(f listen.Figures, pids []int) map[uint64]bool {
	now := time.Now()
	resting := map[uint64]time.Time{}
	for _, pid := range pids {
		inodes, progress := worker.AtRest(pid, f.Accepted)
		moved := r.progress[pid] != progress
		r.progress[pid] = progress
		for _, inode := range inodes {
			if f.Unread[inode] {
				continue
			}
			resting[inode] = now
			if since, known := r.since[inode]; known && !moved {
				resting[inode] = since
			}
		}
	}
	r.since = resting
	busy := map[uint64]bool{}
	for inode := range f.Accepted {
		since, at := resting[inode]
		busy[inode] = !at || now.Sub(since) < restTime
	}
	return busy
}

// anyBusy: something is going on in one of the connections at least.
func (r *rests) anyBusy(f listen.Figures, pids []int) bool {
	for _, busy := range r.judge(f, pids) {
		if busy {
			return true
		}
	}
	return false
}
