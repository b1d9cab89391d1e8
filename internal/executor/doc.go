// Package executor does what the supervisor's loop has decided: it opens
// listening sockets, gives birth to workers on them, looks whether they are
// ready, retires and kills them, and reports what comes of it as facts.
//
// It owns the sockets and the processes. It decides nothing: not when a worker
// is started, not whether one is started again. It is where config, listen,
// worker and logs meet, which know nothing of each other.
package executor
