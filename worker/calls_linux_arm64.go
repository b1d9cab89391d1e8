package worker

// arm64 never had these: the C library uses the p-variants.
const (
	sysEpollWait = notImplemented
	sysPoll      = notImplemented - 1
	sysSelect    = notImplemented - 2
)
