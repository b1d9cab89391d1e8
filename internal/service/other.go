//go:build !linux

package service

import (
	"context"
	"errors"
)

// Daemon is a program to run in the background; only on Linux.
type Daemon struct {
	Program          string
	Args             []string
	PIDFile, LogFile string
}

var errLinuxOnly = errors.New("this works on Linux only")

// ErrEnded is never returned here.
var ErrEnded = errors.New("it ended while starting")

// Start does nothing here.
func (Daemon) Start(context.Context) (string, error) { return "", errLinuxOnly }

// EndLeftovers does nothing here.
func EndLeftovers(func() []int) (int, error) { return 0, errLinuxOnly }

// Restarting is never true here.
func Restarting() bool { return false }
