// Command docs writes those pages of docs/ that the code knows best: the
// reference of the command line, the configuration and the metrics, and the manual
// pages.
// `go generate ./...` runs it; its tests hold all documents to the program.
//
// It owns cli.md, configuration.md and metrics.md of docs/reference, and docs/man,
// and touches nothing else. The same code gives the same bytes: no date, no
// version, no name of this machine.
package main

//go:generate go run . ../../docs
