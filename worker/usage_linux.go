//go:build linux && (amd64 || arm64)

package worker

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// clockTicks is USER_HZ, which the kernel's interface to user space fixes at 100
// on every architecture that we build for, times(2).
const clockTicks = 100

// Usage is what a worker and its descendants use.
type Usage struct {
	RSSBytes   uint64  // pages shared between processes are counted in each
	CPUSeconds float64 // descendants that have ended and been waited for included
	Threads    int
	FDs        int
	FDsKnown   bool // false where the kernel forbids to look
}

// UsageOf reads /proc for the process that had that pid and start time; false if
// it is not there any more. It is called for every worker at every look, so it asks
// for nothing twice.
func UsageOf(pid int, startedAtTicks uint64) (Usage, bool) {
	leader, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || leader.startTicks != startedAtTicks {
		return Usage{}, false
	}
	u := Usage{FDsKnown: true}
	u.add(pid, leader)
	return u, true
}

// add counts a process and its descendants.
func (u *Usage) add(pid int, s stat) {
	u.RSSBytes += s.rssPages * uint64(os.Getpagesize())
	u.CPUSeconds += float64(s.ticks+s.reaped) / clockTicks
	u.Threads += s.threads
	fds, known := openFDs(pid)
	u.FDs += fds
	u.FDsKnown = u.FDsKnown && known
	for _, child := range childrenOf(pid, s.threads) {
		if s, err := readStat(fmt.Sprintf("/proc/%d/stat", child)); err == nil {
			u.add(child, s)
		}
	}
}

// childrenOf is Children of a process of which the number of threads is known: one
// with a single thread needs no look at its list of threads.
func childrenOf(pid, threads int) []int {
	if threads == 1 {
		text, err := readProc(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		if err == nil && len(text) == 0 {
			return nil
		}
	}
	return Children(pid)
}

// openFDs counts descriptors. Since Linux 6.2 their number is the size of the
// folder that lists them (f1f1f2569901); before, and for a process without any, that
// is 0.
func openFDs(pid int) (int, bool) {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	var info unix.Stat_t
	if err := unix.Stat(folder, &info); err == nil && info.Size > 0 {
		return int(info.Size), true
	}
	list := names(folder)
	return len(list), list != nil
}
