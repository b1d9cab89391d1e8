// Package logs is where output goes: the lines that workers write, and the
// supervisor's own log.
//
// A Cutter makes whole lines of what a pipe delivers, in blocks. A block goes to
// the Ring of its pool (for `logs -f`), to the Last of its worker (for the
// message when it fails), and to a sink behind a Queue: the supervisor's own
// Log, or a File with rotation. All of them copy what they keep, so the reader
// of the pipe may use its buffer again at once.
//
// Two promises hold everywhere. A line is whole or it is not there: it is never
// torn by rotation, by a full disk or by another worker's line. And nobody waits
// for a reader of the log: what does not fit is dropped as whole lines, counted
// and reported.
//
// The package knows nothing of processes and never changes the flags of a
// descriptor it was given.
package logs
