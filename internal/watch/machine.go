package watch

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// machine is what the watcher asks of the system besides reading folders: so that
// tests on virtual time can answer.
type machine struct {
	open      func() (*kernel, error)
	eventless func(path string) string // the file system there, if it sends no events
	mounts    func() (changed <-chan struct{}, stop func())
	pause     time.Duration // between looks at what is polled
}

func thisMachine() machine { return machine{openKernel, eventlessAt, mounts, time.Second} }

// kernel is one inotify instance. Whoever opened it closes it.
type kernel struct {
	events <-chan fsnotify.Event
	faults <-chan error
	add    func(folder string) error
	remove func(folder string) error
	close  func() error
}

func openKernel() (*kernel, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &kernel{watcher.Events, watcher.Errors, watcher.Add, watcher.Remove, watcher.Close}, nil
}

// limitText translates the errors of inotify that are limits (inotify(7)); empty
// for others. EMFILE is the limit of instances, or that of our open files.
func limitText(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the kernel gives no more watches; try: sysctl fs.inotify.max_user_watches=524288"
	case errors.Is(err, syscall.EMFILE):
		return "the kernel gives no more inotify instances; try: sysctl fs.inotify.max_user_instances=1024"
	case errors.Is(err, syscall.ENOSYS):
		return "this kernel has no inotify"
	}
	return ""
}

func eventlessText(folder, kind string) string {
	return fmt.Sprintf("%s is on %s, which tells of no changes", folder, kind)
}
