// Package watch tells when files have changed: which watch, and one path.
//
// It owns the inotify instance, one for all watches, and one goroutine that owns
// everything else. Events of the kernel are only a hint that it is time to look:
// what counts as a change is the difference between two looks at the files. So
// events that are lost, doubled or missing cannot lie, a file that was touched
// and put back is no change, and a file system that sends no events is only
// looked at more often.
//
// It never touches the files, reads none of their content, and knows neither
// pools nor workers.
package watch
