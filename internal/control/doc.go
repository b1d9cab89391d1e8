// Package control is how people and programs talk to a running supervisor:
// HTTP and JSON over a Unix socket. It holds the types that travel, the server,
// the client, and the lock that keeps a second supervisor away.
//
// It owns the control socket and the lock file. Everything it tells is read from
// the supervisor's published snapshot, events and output rings, and from a look
// at the kernel made when somebody asks; everything it changes goes through
// Supervisor.Do. It keeps no state of its own.
package control
