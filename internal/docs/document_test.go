package main

// Finds the documents and cuts them into what the other tests look at. Nothing
// is tested here.

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// document is one Markdown file.
type document struct {
	path   string // from the root of the repository
	prose  string // without fenced blocks
	blocks []block
}

// block is a fenced block.
type block struct {
	language string
	line     int // of its first line
	text     string
}

// documents reads all Markdown files that people read.
func documents(t *testing.T) []document {
	t.Helper()
	paths := []string{"README.md", "HACKING.md", "CHANGELOG.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			var name string
			name, err = filepath.Rel(root, path)
			paths = append(paths, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []document
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, cut(path, string(text)))
	}
	return all
}

// cut separates prose from fenced blocks.
func cut(path, text string) document {
	d := document{path: path}
	var open *block
	for i, line := range strings.SplitAfter(text, "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && open == nil:
			open = &block{language: fence, line: i + 2}
		case isFence:
			d.blocks = append(d.blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		default:
			d.prose += line
		}
	}
	return d
}
