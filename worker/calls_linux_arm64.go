package worker

// arm64 never had these: the C library uses the p-variants. No system call has
// such a number.
const (
	sysEpollWait = -1 - iota
	sysPoll
	sysSelect
)
