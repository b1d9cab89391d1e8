// Package web answers HTTP: health, metrics, the state of the pools as JSON and as
// the status page. It changes nothing, whoever asks for whatever, and needs no
// worker to answer.
//
// It owns the listener of [http], the bounds on what clients may take of us, and
// the last hour of each pool (history.go), which it is told of and never asks for:
// nothing here ticks unless somebody watches the page.
package web
