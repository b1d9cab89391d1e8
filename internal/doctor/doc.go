// Package doctor finds out why a deployment does not work, in the order in which a
// good administrator would look: the program and all that leads to it, the socket
// as the web server's user sees it, the pool as it runs, and then a worker of its
// own, born as the supervisor's are, with a real socket and one real request.
//
// It owns the trial workers that it starts and a temporary folder with their
// sockets; when Examine returns both are gone. It never writes into the pool's
// socket more than one complete request, never signals a worker of a supervisor,
// and changes nothing: remedies are for people to read.
package doctor
