// Package demo is `fcgi-supervisor demo`: this program as supervisor, as FastCGI
// application and as the web server in front of it, with nothing else installed.
// It holds the application, its page and the HTTP front; supervision is the real
// one, of package daemon.
package demo
