//go:build !linux

package watch

import "os"

func eventlessAt(string) string         { return "" }
func inodeOf(os.FileInfo) uint64        { return 0 }
func deviceOf(os.FileInfo) uint64       { return 0 }
func mounts() (<-chan struct{}, func()) { return nil, func() {} }
