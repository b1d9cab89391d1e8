package logs

// Not covered: EIO, which no file system gives at will (it takes the way of
// ENOSPC), and disks that stall (TestQueueStall has a sink that does).

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func openLog(t *testing.T, path string, maxSize int64, maxFiles int) *File {
	t.Helper()
	f, err := OpenFile(path, maxSize, maxFiles, FileMode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func mustWrite(t *testing.T, f *File, lines string) {
	t.Helper()
	if n, err := f.Write([]byte(lines)); err != nil || n != len(lines) {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(lines), err)
	}
}

// contents are the files beside path whose names begin with its, by suffix.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	got := map[string]string{}
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got[strings.TrimPrefix(name, path)] = string(text)
	}
	return got
}

func wantContents(t *testing.T, path string, want map[string]string) {
	t.Helper()
	if got := contents(t, path); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestFileRotation(t *testing.T) {
	tests := []struct {
		name     string
		maxSize  int64
		maxFiles int
		blocks   []string
		want     map[string]string
	}{
		{"never", 0, 3, []string{"one\n", "two\n"}, map[string]string{"": "one\ntwo\n"}},
		{"exactly full", 8, 3, []string{"one\n", "two\n"}, map[string]string{"": "one\ntwo\n"}},
		{"a block is not split", 10, 3, []string{"one\n", "two\nsix\n"}, map[string]string{"": "two\nsix\n", ".1": "one\n"}},
		{"a block larger than a file", 10, 3, []string{"one\ntwo\nsix\nten\nend\n"},
			map[string]string{"": "end\n", ".1": "six\nten\n", ".2": "one\ntwo\n"}},
		{"a line larger than a file", 4, 3, []string{"a\n", "longer\nb\n"},
			map[string]string{"": "b\n", ".1": "longer\n", ".2": "a\n"}},
		{"the oldest goes", 4, 2, []string{"one\n", "two\n", "six\n", "ten\n"},
			map[string]string{"": "ten\n", ".1": "six\n", ".2": "two\n"}},
		{"no old files", 4, 0, []string{"one\n", "two\n"}, map[string]string{"": "two\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			f := openLog(t, path, test.maxSize, test.maxFiles)
			for _, b := range test.blocks {
				mustWrite(t, f, b)
			}
			wantContents(t, path, test.want)
		})
	}
}

func TestFileContinuesAnExistingOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	mustWrite(t, openLog(t, path, 8, 3), "one\n")
	f := openLog(t, path, 8, 3)
	mustWrite(t, f, "two\n")
	mustWrite(t, f, "six\n")
	wantContents(t, path, map[string]string{"": "six\n", ".1": "one\ntwo\n"})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&^FileMode != 0 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
}

func TestFileMovedByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := openLog(t, path, 8, 3)
	mustWrite(t, f, "one\n")
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, "two\n") // nobody has told us yet
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, "six\nten\n")
	wantContents(t, path, map[string]string{"": "six\nten\n", ".moved": "one\ntwo\n"})

	// Moved, replaced, and not told at all: the file in our place is not rotated.
	if err := os.Rename(path, path+".again"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("theirs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, "end\n")
	wantContents(t, path, map[string]string{
		"": "theirs\nend\n", ".moved": "one\ntwo\n", ".again": "six\nten\n",
	})
}

func TestFileEmptiedInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := openLog(t, path, 8, 3)
	mustWrite(t, f, "one\ntwo\n")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, "six\n")
	wantContents(t, path, map[string]string{"": "six\n"})
}

func TestFileReopenFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := openLog(t, path, 0, 0)
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", path); err != nil {
		t.Fatal(err)
	}
	if err := f.Reopen(); err == nil {
		t.Error("a symbolic link was followed")
	}
	mustWrite(t, f, "one\n")
	if got := contents(t, path+".moved")[""]; got != "one\n" {
		t.Errorf("the old file holds %q", got)
	}
}

// A rotation that fails loses no line and, however often it is tried, no old file.
func TestFileRotationFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := openLog(t, path, 4, 2)
	for _, line := range []string{"one\n", "two\n"} {
		mustWrite(t, f, line)
	}
	// A folder that is not empty cannot be renamed over.
	if err := os.MkdirAll(path+".2/x", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"six\n", "ten\n"} {
		if n, err := f.Write([]byte(line)); n != len(line) || !strings.Contains(fmt.Sprint(err), "rotate log") {
			t.Errorf("wrote %d bytes, %v", n, err)
		}
	}
	if err := os.RemoveAll(path + ".2"); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, "end\n")
	wantContents(t, path, map[string]string{"": "end\n", ".1": "two\nsix\nten\n", ".2": "one\n"})
}

func TestOpenFileRefuses(t *testing.T) {
	folder := t.TempDir()
	regular := filepath.Join(folder, "regular")
	if err := os.WriteFile(regular, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(folder, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, err := range []error{
		os.Symlink(regular, filepath.Join(folder, "symlink")),
		os.Symlink("missing", filepath.Join(folder, "dangling")),
		os.Link(regular, filepath.Join(folder, "hardlink")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ name, want string }{
		{"symlink", "symbolic link"},
		{"dangling", "symbolic link"},
		{"hardlink", "second name"},
		{"socket", "no such device or address"},
		{".", "is a directory"},
		{"missing/log", "no such file or directory"},
	}
	for _, test := range tests {
		f, err := OpenFile(filepath.Join(folder, test.name), 0, 0, FileMode)
		if err == nil {
			_ = f.Close()
		}
		if !strings.Contains(fmt.Sprint(err), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := os.Lstat(filepath.Join(folder, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a dangling symbolic link was followed")
	}
}

// limitFileSize makes writes beyond size bytes fail, as a full disk does: what
// fits is written, then there is an error. It stands in for ENOSPC, which needs a
// file system of one's own. The limit is the process's: only for a test inChild.
func limitFileSize(t *testing.T, size uint64) (lift func()) {
	t.Helper()
	signal.Ignore(unix.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limited := before
	limited.Cur = size
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limited); err != nil {
		t.Fatal(err)
	}
	return func() { _ = unix.Setrlimit(unix.RLIMIT_FSIZE, &before) }
}

// inChild runs the calling test in a process of its own and returns true there;
// the caller returns at once where it is false.
func inChild(t *testing.T) bool {
	t.Helper()
	const variable = "LOGS_TEST_IN_CHILD"
	if os.Getenv(variable) == t.Name() {
		return true
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), variable+"="+t.Name())
	if out, err := child.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func TestFileFullDiskTearsNoLine(t *testing.T) {
	if !inChild(t) {
		return
	}
	path := filepath.Join(t.TempDir(), "log")
	f := openLog(t, path, 0, 0)
	lift := limitFileSize(t, 10)
	n, err := f.Write([]byte("one\ntwo\nsix\nten\n"))
	if n != 8 || !errors.Is(err, unix.EFBIG) {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
	wantContents(t, path, map[string]string{"": "one\ntwo\n"})
	lift()
	mustWrite(t, f, "end\n")
	wantContents(t, path, map[string]string{"": "one\ntwo\nend\n"})
}

func TestFileOnDevicesAndPipes(t *testing.T) {
	null := openLog(t, "/dev/null", 10, 3)
	mustWrite(t, null, strings.Repeat("line\n", 5000))

	full := openLog(t, "/dev/full", 10, 3)
	if n, err := full.Write([]byte("line\n")); n != 0 || !errors.Is(err, unix.ENOSPC) {
		t.Errorf("/dev/full: wrote %d bytes, %v", n, err)
	}

	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo := openLog(t, path, 10, 3)
	mustWrite(t, fifo, "nobody reads yet\n")
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	got := make([]byte, 100)
	n, err := reader.Read(got)
	if string(got[:n]) != "nobody reads yet\n" || err != nil {
		t.Errorf("read %q, %v", got[:n], err)
	}
	for _, f := range []*File{null, full, fifo} {
		if f.Pace() != Drop || f.Reopen() != nil {
			t.Errorf("%s is not treated as a stream", f.path)
		}
	}
}

// allLines are the lines of the file and its old ones, oldest first.
func allLines(t *testing.T, path string, maxSize int) []string {
	t.Helper()
	files := contents(t, path)
	var text bytes.Buffer
	for n := len(files) - 1; n >= 0; n-- {
		suffix := ""
		if n > 0 {
			suffix = fmt.Sprintf(".%d", n)
		}
		content, ok := files[suffix]
		if !ok || len(content) > maxSize || !strings.HasSuffix(content, "\n") {
			t.Errorf("file %q: there=%v, %d bytes of at most %d", suffix, ok, len(content), maxSize)
		}
		text.WriteString(content)
	}
	return slices.Collect(strings.Lines(text.String()))
}
