package worker

import "golang.org/x/sys/unix"

// System calls that newer architectures no longer have.
const (
	sysEpollWait = unix.SYS_EPOLL_WAIT
	sysPoll      = unix.SYS_POLL
	sysSelect    = unix.SYS_SELECT
)
