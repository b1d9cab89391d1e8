package service

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Record is what install has written, so that uninstall removes that and nothing
// else.
type Record struct {
	Init    string   `json:"init"`
	Units   []string `json:"units,omitempty"` // names that were enabled, the service last
	Service []Kept   `json:"service"`         // unit files or the script, and what belongs to it
	Config  []Kept   `json:"config,omitempty"`
}

// Kept is a file and what was in it.
type Kept struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

func kept(f File) Kept {
	sum := sha256.Sum256([]byte(f.Text))
	return Kept{f.Path, hex.EncodeToString(sum[:])}
}

// changed: somebody has written to the file since.
func (k Kept) changed() bool {
	text, err := os.ReadFile(k.Path)
	return err == nil && kept(File{Text: string(text)}).SHA256 != k.SHA256
}

// readRecord returns an empty record where there is none.
func readRecord(path string) (Record, error) {
	var r Record
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read what install has written down in %s: %w", path, cause(err))
	}
	return r, nil
}

// add notes a file, in the place of an earlier note of the same one.
func add(list []Kept, f File) []Kept {
	list = slices.DeleteFunc(list, func(k Kept) bool { return k.Path == f.Path })
	return append(list, kept(f))
}

// has says whether the file was written by install.
func has(list []Kept, path string) (Kept, bool) {
	i := slices.IndexFunc(list, func(k Kept) bool { return k.Path == path })
	if i < 0 {
		return Kept{}, false
	}
	return list[i], true
}

func (r Record) file(path string) (File, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return File{path, string(text) + "\n", 0o644}, err
}
