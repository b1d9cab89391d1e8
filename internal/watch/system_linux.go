package watch

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// eventless are file systems that others change without our kernel knowing, and
// those that it makes up, by their magic numbers (statfs(2)).
var eventless = map[int64]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "SMB",
	unix.FUSE_SUPER_MAGIC: "FUSE", unix.V9FS_MAGIC: "9p", unix.CEPH_SUPER_MAGIC: "Ceph", unix.AFS_SUPER_MAGIC: "AFS",
	unix.AFS_FS_MAGIC: "AFS", unix.CODA_SUPER_MAGIC: "Coda", unix.PROC_SUPER_MAGIC: "proc", unix.SYSFS_MAGIC: "sysfs",
	0x786f4256: "VirtualBox shared folders", 0xbacbacbc: "VMware shared folders", 0x0bd00bd0: "Lustre",
}

// eventlessAt names the file system at path if it sends no events.
func eventlessAt(path string) string {
	var at unix.Statfs_t
	if unix.Statfs(path, &at) != nil {
		return ""
	}
	return eventless[int64(at.Type)&0xffffffff] // the field is signed on some architectures
}

func inodeOf(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}

func deviceOf(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Dev
	}
	return 0
}

// mounts tells of changes of the mount table, because inotify loses a watch on
// what is unmounted or mounted over without a word (inotify(7), fsnotify 1.10).
// The goroutine is ended by stop.
func mounts() (changed <-chan struct{}, stop func()) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, func() {}
	}
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, func() {}
	}
	told, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for awaitMounts(raw) {
			select {
			case told <- struct{}{}:
			default:
			}
		}
	}()
	return told, func() {
		file.Close()
		<-ended
	}
}

// awaitMounts returns at the next change, and false when the file is closed. The
// kernel tells it by POLLERR (proc(5), /proc/pid/mounts), which Go's poller takes
// for "may be read".
func awaitMounts(raw syscall.RawConn) bool {
	waited := false
	err := raw.Read(func(uintptr) bool {
		defer func() { waited = true }()
		return waited
	})
	return err == nil
}
