// Package worker is one process from birth to burial: it spawns a FastCGI
// worker with the listening socket as descriptor 0, reads its output, looks at
// what it is doing, signals it, and reports its end.
//
// It owns the process, its process group, its pidfd, our end of its output pipe
// and the deadline of its stop. It never restarts a worker, knows no pool, and
// never touches the listening socket's flags.
package worker
