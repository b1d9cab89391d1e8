//go:build linux && (amd64 || arm64)

package worker

import (
	"fmt"
	"os"
	"slices"

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
// it is not there any more.
func UsageOf(pid int, startedAtTicks uint64) (Usage, bool) {
	leader, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || leader.startTicks != startedAtTicks {
		return Usage{}, false
	}
	u := usageOf(pid, leader.threads)
	_, err = startTicks(pid) // it may have ended meanwhile
	return u, err == nil
}

// steadyTries is how often a process is looked at whose children end meanwhile.
const steadyTries = 5

// usageOf counts a process and its descendants. The time of a child that is waited
// for moves to its parent: the parent is read last, and all of it once more if a
// child has gone meanwhile, which would else be counted twice or not at all.
func usageOf(pid, threads int) Usage {
	var u Usage
	for range steadyTries {
		u = Usage{FDsKnown: true}
		children := childrenOf(pid, threads)
		for _, child := range children {
			if s, err := readStat(fmt.Sprintf("/proc/%d/stat", child)); err == nil {
				u.add(usageOf(child, s.threads))
			}
		}
		s, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			break
		}
		fds, known := openFDs(pid)
		u.add(Usage{RSSBytes: s.rssPages * uint64(os.Getpagesize()), CPUSeconds: float64(s.ticks+s.reaped) / clockTicks,
			Threads: s.threads, FDs: fds, FDsKnown: known})
		if len(children) == 0 || slices.Equal(children, childrenOf(pid, s.threads)) {
			break
		}
	}
	return u
}

func (u *Usage) add(v Usage) {
	u.RSSBytes += v.RSSBytes
	u.CPUSeconds += v.CPUSeconds
	u.Threads += v.Threads
	u.FDs += v.FDs
	u.FDsKnown = u.FDsKnown && v.FDsKnown
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
