// Package daemon puts the parts together and runs them: log, lock, sockets,
// executor, loop, control socket and signals. It is what `run` and `demo` start.
// It owns the order in which the parts begin and end, and nothing else.
package daemon
