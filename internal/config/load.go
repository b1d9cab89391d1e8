package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFileSize keeps a wrong path (a log, a device) from filling the memory.
const maxFileSize = 1 << 20

// loader reads a file and all that it includes.
type loader struct {
	files      []string
	identities []os.FileInfo // of files, in the same order
	damaged    map[string]bool
	supervisor *draft
	http       *draft   // nil: there is no such table
	pools      []*draft // in the order written
	mistakes   Errors
}

// Load reads the configuration in path and the files that it includes. The
// error is Errors: all mistakes of all files.
func Load(path string) (*Config, error) {
	l := readAll(path)
	c := &Config{Path: path, Supervisor: l.supervisor.finishSupervisor(),
		HTTP: l.http.finishHTTP(l.damaged), Pools: finishPools(l.pools, l.http, l.damaged)}
	c.Files = l.files
	if err := l.mistakes.result(); err != nil {
		return nil, err
	}
	return c, nil
}

// RuntimeDirOf is the runtime_dir of the configuration in path, whatever mistakes
// it has elsewhere: a supervisor that runs is to be found all the same.
func RuntimeDirOf(path string) string {
	return readAll(path).supervisor.finishSupervisor().RuntimeDir
}

func readAll(path string) *loader {
	l := &loader{damaged: map[string]bool{}}
	begin := Place{File: path, Line: 1, Column: 1}
	l.read(path, begin, nil)
	if l.supervisor == nil {
		l.supervisor = newDraft(tableSupervisor, begin, &l.mistakes)
	}
	return l
}

// read reads one file and then those that it includes. at is where the file is
// named; open are the files that led here.
func (l *loader) read(path string, at Place, open []os.FileInfo) {
	data, info, err := readFile(path)
	if err != nil {
		l.mistakes.add(at, "read %s: %v", path, err)
		return
	}
	same := func(other os.FileInfo) bool { return os.SameFile(info, other) }
	if slices.ContainsFunc(open, same) {
		l.mistakes.add(at, "include: %s includes itself", path)
		return
	}
	if slices.ContainsFunc(l.identities, same) {
		return
	}
	l.files, l.identities = append(l.files, path), append(l.identities, info)
	l.checkTrust(path, info)
	d := readDocument(path, data)
	before := len(l.mistakes)
	l.mistakes = append(l.mistakes, d.mistakes...)
	l.damaged[path] = d.damaged
	patterns := l.decodeFile(d)
	if len(l.mistakes) == before {
		l.mistakes = append(l.mistakes, d.checkTables()...)
	}
	for _, pattern := range patterns {
		for _, file := range l.expand(path, pattern) {
			l.read(file, pattern.value, append(slices.Clone(open), info))
		}
	}
}

// expand finds the files that one element of include names.
func (l *loader) expand(path string, pattern *node) []string {
	name := pattern.text
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(path), name)
	}
	if !strings.ContainsAny(pattern.text, `*?[\`) {
		return []string{name}
	}
	files, err := filepath.Glob(name)
	if err != nil {
		l.mistakes.add(pattern.value, "include: bad pattern %q", pattern.text)
	}
	// Glob takes a folder that it may not read for an empty one.
	if folder := filepath.Dir(name); len(files) == 0 && !strings.ContainsAny(folder, `*?[\`) {
		if _, err := os.ReadDir(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.mistakes.add(pattern.value, "include: %v", err)
		}
	}
	slices.Sort(files)
	return files
}

// readFile reads a file and says which one it was.
func readFile(path string) ([]byte, os.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, reason(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, reason(err)
	}
	if info.IsDir() {
		return nil, nil, errors.New("is a folder; name a file, or FOLDER/*.toml in include")
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return nil, nil, reason(err)
	}
	if len(data) > maxFileSize {
		return nil, nil, fmt.Errorf("is larger than %d bytes; is this the right file?", maxFileSize)
	}
	return data, info, nil
}

// reason is the error without the operation and the path, which the message
// names already.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
