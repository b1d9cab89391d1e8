// Package e2e tests the finished program with the software that it is for: real
// web servers in front, real FastCGI applications behind.
//
// It owns no code of the product and imports none: it builds the binary, runs it
// as a user would, and knows of it only what the interface promises: command
// line, configuration, JSON, sockets, exit codes. A program that is missing on
// this machine fails the tests; nothing is skipped.
package e2e
