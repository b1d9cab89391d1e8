package watch

// What this machine says of itself. Not covered: file systems that it does not
// have. Without the right to mount, the test of mounts ends after what needs none.

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestEventless(t *testing.T) {
	for path, want := range map[string]string{"/proc": "proc", "/sys": "sysfs", t.TempDir(): "", "/no/such/folder": ""} {
		if got := eventlessAt(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestMountsAreTold(t *testing.T) {
	root := prepare(t)
	w := watching(t, Spec{Root: root, Paths: []string{"lib"}})
	folder := filepath.Join(root, "lib")
	err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "")
	if errors.Is(err, syscall.EPERM) {
		return // the goroutine that waits for mounts still has to end
	}
	if err != nil {
		t.Fatal(err)
	}
	hidden := func() {
		t.Helper()
		if got := w.next(); got != "lib/a.py" && got != "lib/deep/b.py" {
			t.Errorf("told %q, want one of the files that the mount hides", got)
		}
	}
	hidden()
	write(t, filepath.Join(folder, "c.py"), "on the new file system")
	if got := w.next(); got != "lib/c.py" {
		t.Errorf("told %q, want lib/c.py", got)
	}
	if err := syscall.Unmount(folder, 0); err != nil {
		t.Fatal(err)
	}
	hidden() // they are back
	write(t, filepath.Join(folder, "a.py"), "on the old file system")
	if got := w.next(); got != "lib/a.py" {
		t.Errorf("told %q, want lib/a.py", got)
	}
}

func TestMountsEnds(t *testing.T) {
	_, stop := mounts()
	ended := make(chan struct{})
	go func() {
		stop()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the goroutine does not end")
	}
}
