package control_test

// The lock, by real processes: the test binary plays the one that has it.
// Not covered: network file systems, whose flock(2) may be emulated.

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/control"
)

// holdLock names the variable that makes this binary a holder of the lock in the
// folder that it has as value.
const holdLock = "CONTROL_TEST_HOLD_LOCK"

func playHolder(folder string) {
	if _, err := control.Acquire(folder); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until the test kills us
	os.Exit(0)
}

func TestLockIsHeldByOneProcess(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "parent", "run")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holdLock+"="+folder)
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the holder said %q", line)
	}
	want := fmt.Sprintf("another fcgi-supervisor (pid %d) already runs with runtime directory %s; try: another --runtime-dir, or fcgi-supervisor status",
		holder.Process.Pid, folder)
	if _, err := control.Acquire(folder); err == nil || err.Error() != want {
		t.Errorf("second: %v, want %s", err, want)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // killed
	lock, err := control.Acquire(folder)
	if err != nil {
		t.Fatalf("after the holder's death: %v", err)
	}
	defer lock.Close()
	content, err := os.ReadFile(filepath.Join(folder, "lock"))
	if string(content) != fmt.Sprintln(os.Getpid()) {
		t.Errorf("the lock file says %q, %v", content, err)
	}
}

func TestLockMakesTheFolder(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	folder := filepath.Join(t.TempDir(), "a", "b")
	for range 2 { // made, then found
		lock, err := control.Acquire(folder)
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the folder is %v, %v; want mode 0755", info.Mode(), err)
	}
}

func TestLockRefusesAFolderOfOthers(t *testing.T) {
	for _, c := range []struct {
		mode    os.FileMode
		refused bool
	}{
		{0o700, false}, {0o755, false}, {0o777, true}, {0o757, true}, {0o777 | os.ModeSticky, false},
		{0o775, os.Geteuid() == 0},
	} {
		folder := t.TempDir()
		if err := os.Chmod(folder, c.mode); err != nil {
			t.Fatal(err)
		}
		lock, err := control.Acquire(folder)
		if err == nil {
			lock.Close()
		}
		if (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), "writable by others") {
			t.Errorf("mode %v: %v, want refused %v", c.mode, err, c.refused)
		}
	}
}

func TestLockRefusesWhatIsNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Acquire(path); err == nil || !strings.Contains(err.Error(), "not a folder") {
		t.Errorf("a file: %v", err)
	}
	folder := t.TempDir()
	if err := os.Symlink("/dev/null", filepath.Join(folder, "lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Acquire(folder); err == nil {
		t.Error("the lock file may be a link that leads elsewhere")
	}
}
