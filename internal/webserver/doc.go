// Package webserver writes configurations for web servers: one site that hands
// requests to one pool. It knows the syntax of each server, what each makes of a
// request unless told otherwise, and what none of them can express. It reads and
// starts nothing.
package webserver
