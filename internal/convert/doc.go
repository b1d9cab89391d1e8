// Package convert reads what other process managers for FastCGI are configured
// with, and writes our configuration for it. Every option that it finds stands in
// the result: as a key with a comment, or in a comment that says why not. What it
// writes is accepted by internal/config. It starts nothing and changes nothing.
package convert
