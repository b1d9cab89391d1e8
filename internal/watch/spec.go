package watch

import "time"

// How changes are noticed.
const (
	ModeAuto    = "auto"    // events, or polling where the file system sends none
	ModeInotify = "inotify" // events, whatever the file system is
	ModePoll    = "poll"    // a look every second
)

// Spec is one watch.
type Spec struct {
	Name     string        // told with every change; unlike that of any other watch
	Root     string        // absolute; what Paths and Ignore are relative to
	Paths    []string      // files, folders with all below, globs with **
	Ignore   []string      // globs; a folder that matches is not entered
	Debounce time.Duration // so long it must be quiet before a change is told
	Mode     string        // ModeAuto, ModeInotify or ModePoll
}
