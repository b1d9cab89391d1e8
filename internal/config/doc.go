// Package config turns TOML files, or the flags of run, into plain values, and
// finds what is wrong with them: every mistake at once, each with its place.
//
// One table of keys (keys.go) drives the decoding, the flags, the defaults, the
// suggestions and the reference page. Load and FromFlags judge what is written;
// CheckMachine judges whether this machine can do it: users, permissions,
// interpreters, folders.
//
// The package owns nothing that lives on. It reads files and their modes and
// never writes, never changes our own credentials, and starts nothing.
package config
