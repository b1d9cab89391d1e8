//go:build linux && (amd64 || arm64)

package worker

import (
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkBirth is fork, exec, exit and wait of /bin/true, as the benchmarks of
// the peers measure it for a bare C program.
func BenchmarkBirth(b *testing.B) {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(null)
	spec := Spec{Path: "/bin/true", Args: []string{"true"}, Umask: 0o22, ListenFD: null}
	for b.Loop() {
		_, pidfd, err := spec.spawn(null)
		if err != nil {
			b.Fatal(err)
		}
		reap(pidfd)
		unix.Close(pidfd)
	}
}

// BenchmarkLife is the whole of it: pipe, birth, minding, burial.
func BenchmarkLife(b *testing.B) {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(null)
	spec := Spec{Path: "/bin/true", Args: []string{"true"}, Umask: 0o22, ListenFD: null}
	ended := make(chan struct{})
	for b.Loop() {
		if _, err := Start(spec, Hooks{Output: func(chunk []byte, _ bool) int { return len(chunk) }, Exited: func(Exit) { ended <- struct{}{} }}); err != nil {
			b.Fatal(err)
		}
		<-ended
	}
}
