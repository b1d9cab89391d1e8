// Package fastcgi speaks FastCGI as a web server does: it sends one request to
// an application and reads the answer. The request command, the probe and the
// development gateway are built on it.
//
// It owns the connections it is handed until the answer is closed. It never
// listens, never starts a process and never sends a record that the request at
// hand does not need: FCGI_GET_VALUES ends some applications and is answered by
// others only together with the next request.
//
// One goroutine writes the request, the caller's goroutine reads the answer, so
// that an application which answers before it has read the body, or never reads
// it, cannot block both sides.
//
// "The specification" is the FastCGI Specification 1.0 of 29 April 1996:
// https://fastcgi-archives.github.io/FastCGI_Specification.html. RFC 3875 is CGI/1.1.
package fastcgi
