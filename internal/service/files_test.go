package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// All files or none, and what is remembered of them. Not covered: full and
// read-only disks (internal/boottest).

func tree(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all.WriteString(strings.TrimPrefix(path, folder) + "\n")
		if entry.Type().IsRegular() {
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestRollbackLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	old := filepath.Join(folder, "old")
	if err := os.WriteFile(old, []byte("old text"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := tree(t, folder)
	var tr transaction
	for _, f := range []File{{old, "new text", 0o644}, {filepath.Join(folder, "a/b/c"), "c", 0o755}, {filepath.Join(folder, "a/d"), "d", 0o644}} {
		if err := tr.write(f); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(old); err != nil || string(text) != "new text" {
		t.Errorf("the file has %q (%v)", text, err)
	}
	if info, err := os.Stat(filepath.Join(folder, "a/b/c")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	if err := tr.write(File{filepath.Join(folder, "old/x"), "", 0o644}); err == nil {
		t.Error("a file below a file was written")
	}
	if err := tr.rollback(); err != nil {
		t.Error(err)
	}
	if after := tree(t, folder); after != before {
		t.Errorf("left:\n%s\nwant\n%s", after, before)
	}
	if info, err := os.Stat(old); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600 as before", info.Mode(), err)
	}
}

func TestRecord(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "installed.json")
	if r, err := readRecord(path); err != nil || r.Init != "" {
		t.Errorf("no record reads as %+v, %v", r, err)
	}
	f := File{filepath.Join(folder, "unit"), "text", 0o644}
	r := Record{Init: Systemd, Units: []string{"a"}}
	r.Service = add(add(r.Service, File{f.Path, "earlier", 0o644}), f)
	file, err := r.file(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := replace(file); err != nil {
		t.Fatal(err)
	}
	if r, err = readRecord(path); err != nil || len(r.Service) != 1 {
		t.Fatalf("read %+v, %v", r, err)
	}
	note, ours := has(r.Service, f.Path)
	if !ours {
		t.Fatal("the file is not in the record")
	}
	for text, changed := range map[string]bool{"text": false, "other": true} {
		if err := os.WriteFile(f.Path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if note.changed() != changed {
			t.Errorf("with %q in it the file counts as changed: %v", text, note.changed())
		}
	}
	if err := os.WriteFile(path, []byte("{nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readRecord(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a broken record: %v", err)
	}
}
