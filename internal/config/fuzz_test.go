package config

// Any bytes at all: Load neither panics nor hangs, and every mistake has a place
// within the file. Not covered: whether the messages make sense.

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func FuzzLoad(f *testing.F) {
	for _, c := range mistakes {
		f.Add([]byte(c.file))
	}
	example, err := os.ReadFile("testdata/interface.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	path := filepath.Join(f.TempDir(), "f.toml")
	f.Fuzz(func(t *testing.T, data []byte) {
		// Not through include: the corpus would wander over this machine's files.
		l := &loader{damaged: map[string]bool{}}
		d := readDocument(path, data)
		l.mistakes = append(l.mistakes, d.mistakes...)
		l.decodeFile(d)
		l.mistakes = append(l.mistakes, d.checkTables()...)
		finishPools(l.pools, l.http, map[string]bool{path: d.damaged})
		var found Errors
		if err := l.mistakes.result(); err != nil && !errors.As(err, &found) {
			t.Fatalf("got %v, want Errors", err)
		}
		lines := bytes.Count(data, []byte("\n")) + 1
		for _, m := range found {
			if m.File != path || m.Line < 1 || m.Line > lines || m.Column < 1 || m.Column > len(data)+1 || m.Text == "" {
				t.Errorf("no place in %d lines: %+v", lines, m)
			}
		}
	})
}
