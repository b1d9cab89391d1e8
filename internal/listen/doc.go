// Package listen knows addresses and listening sockets: how an address is
// written, how a socket is made with the right owner and mode from the moment
// its name is visible, how one is taken over from whoever started us, and what
// the kernel says about it (queue, backlog, accepted connections; sock_diag(7)).
//
// It owns the descriptors it opens and the names it binds, and removes a name
// only while it still leads to the socket bound there. A descriptor handed to
// us is duplicated, never closed and its name never unlinked.
//
// The sockets are blocking and stay outside package net and the poller of the
// Go runtime: O_NONBLOCK belongs to the open file description, which all
// workers share, and libfcgi's accept fails on a non-blocking one. For the same
// reason nothing here calls shutdown(2).
//
// It never starts a process, never reads from a connection and knows no pool.
package listen
