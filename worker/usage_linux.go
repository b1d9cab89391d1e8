//go:build linux && (amd64 || arm64)

package worker

import (
	"fmt"
	"os"
)

// clockTicks is USER_HZ, which the kernel's interface to user space fixes at 100
// on every architecture that we build for, times(2).
const clockTicks = 100

// Usage is what a worker and its descendants use.
type Usage struct {
	RSSBytes   uint64 // pages shared between processes are counted in each
	CPUSeconds float64
	Threads    int
	FDs        int
	FDsKnown   bool // false where the kernel forbids to look
}

// UsageOf reads /proc for the process that had that pid and start time; false if
// it is not there any more. Descendants that have ended and been waited for are
// not in the CPU time.
func UsageOf(pid int, startedAtTicks uint64) (Usage, bool) {
	if now, err := startTicks(pid); err != nil || now != startedAtTicks {
		return Usage{}, false
	}
	u := Usage{FDsKnown: true}
	for _, pid := range tree(pid) {
		s, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		u.RSSBytes += s.rssPages * uint64(os.Getpagesize())
		u.CPUSeconds += float64(s.ticks) / clockTicks
		u.Threads += s.threads
		fds := names(fmt.Sprintf("/proc/%d/fd", pid))
		u.FDsKnown = u.FDsKnown && fds != nil
		u.FDs += len(fds)
	}
	return u, true
}
