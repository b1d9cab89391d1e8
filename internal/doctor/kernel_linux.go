package doctor

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// keptRecords bounds how many records of the kernel log are quoted.
const keptRecords = 3

// checkKernelLog looks for what the kernel has done to programs of this name.
func (e *examination) checkKernelLog() {
	records, err := kernelLog()
	if err != nil {
		e.report.unknown("kernel log", fmt.Sprintf("read the kernel log: %v", err), "as root: dmesg")
		return
	}
	// The kernel cuts names to 15 bytes (comm of proc(5)).
	name := filepath.Base(e.Pool.Command[0])
	name = name[:min(len(name), 15)]
	var kills, faults []string
	for _, record := range records {
		switch {
		case strings.Contains(record, "Killed process") && strings.Contains(record, "("+name+")"):
			kills = append(kills, record)
		case strings.HasPrefix(record, name+"[") && strings.Contains(record, " segfault at "):
			faults = append(faults, record)
		}
	}
	switch {
	case len(kills) > 0 && e.killed:
		e.report.problem(ground, "kernel log", "the kernel has killed "+name+" because memory ran out", moreMemory,
			kills[max(0, len(kills)-keptRecords):]...)
	case len(kills)+len(faults) > 0: // it may be long ago
		e.report.ok("kernel log", "it tells of "+name+", some time ago", append(kills, faults...)[max(0, len(kills)+len(faults)-keptRecords):]...)
	default:
		e.report.ok("kernel log", "it does not tell of "+name)
	}
}

// kernelLog reads all records there are: "6,339,5140900,-;text" and lines that
// begin with a blank (Documentation/ABI/testing/dev-kmsg).
func kernelLog() ([]string, error) {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var records []string
	buffer := make([]byte, 8192) // a record is shorter
	for {
		n, err := unix.Read(fd, buffer)
		switch {
		case err == unix.EPIPE: // records were overwritten meanwhile
			continue
		case err == unix.EAGAIN:
			return records, nil
		case err != nil:
			return nil, err
		}
		_, text, _ := strings.Cut(string(buffer[:n]), ";")
		text, _, _ = strings.Cut(text, "\n")
		records = append(records, text)
	}
}
