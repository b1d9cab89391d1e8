//go:build !linux

package dev

import "os"

func isTerminal(*os.File) bool { return false }

func openKeys(*os.File) (keys <-chan byte, restore func()) { return nil, nil }
