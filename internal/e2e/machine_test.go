package e2e

// What the tests ask of the machine: processes, descriptors, sockets, folders.
// Not covered: nothing is tested here.

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// eventually asks until the condition holds; its last answer tells why not.
func eventually(t *testing.T, condition func() error) {
	t.Helper()
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	deadline := time.Now().Add(patience)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v still: %v", patience, err)
		}
		<-pace.C
	}
}

// publicFolder is a temporary folder that other users can enter, with a name so
// short that a socket in it stays below sun_path's 108 bytes (unix(7)).
func publicFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// ownAddress is an address for TCP that nobody else has: its host is named after
// this process (pids stay below 2^22, proc(5)), and its port is below those that the
// kernel gives to clients (ip_local_port_range). A port that the kernel says is free
// may be another test's before the program that is to listen there does so.
func ownAddress() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d:%d", 64+pid>>16, pid>>8&255, pid&255, 20000+addressCount.Add(1))
}

var addressCount atomic.Int64

func uniqueName(base string) string {
	return fmt.Sprintf("%s-%d-%d", base, os.Getpid(), poolCount.Add(1))
}

// processesWith lists the processes that have one text in their environment,
// which descendants inherit however far they run, or the other in their command
// line.
func processesWith(environment, command string) []int {
	var found []int
	for _, pid := range processes() {
		if procContains(pid, "environ", environment) || procContains(pid, "cmdline", command) {
			found = append(found, pid)
		}
	}
	return found
}

func procContains(pid int, file, text string) bool {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	return err == nil && bytes.Contains(content, []byte(text)) // an error: it has ended
}

func processes() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		panic(err)
	}
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func commandLine(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(text), "\x00", " ")
}

// descriptorsOf tells what a process has open, without the numbers, which differ
// from moment to moment.
func descriptorsOf(pid int) (map[string]int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return nil, err
	}
	kinds := map[string]int{}
	for _, entry := range entries {
		target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // closed since the listing
		}
		if err != nil {
			return nil, err
		}
		kind, _, _ := strings.Cut(target, ":")
		kinds[kind]++
	}
	return kinds, nil
}

func socketsIn(folder string) []string {
	var found []string
	filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type()&fs.ModeSocket != 0 {
			found = append(found, path)
		}
		return nil
	})
	return found
}

func lastBytes(path string, n int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-n):])
}

// tomlStrings writes a TOML array. Go's quoting is TOML's for what tests use.
func tomlStrings(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = strconv.Quote(value)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
