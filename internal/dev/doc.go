// Package dev is the `dev` command: a supervisor with one pool whose files are
// watched, an HTTP front that holds requests while a reload is under way, and pages
// that show in the browser why there is no answer. It is for the machine of
// whoever writes the program, and never for production: workers get the whole
// environment, and everybody who reaches the front sees tracebacks.
//
// It owns the front and the folder of the supervisor; what it knows of workers
// it is told by package supervisor, and of their output by the control socket.
package dev
