package convert

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxFile  = 4 << 20 // bytes; Apache's are long, but not that long
	maxFiles = 1000
)

// source reads files, and knows which are being read: one that includes itself is
// refused.
type source struct {
	open []os.FileInfo
	read int
}

// file hands over a file's text. Whoever calls it calls done when all that the
// file includes has been read.
func (s *source) file(path string) (text string, done func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, fmt.Errorf("read %s: %v", path, reason(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("read %s: %v", path, reason(err))
	case !info.Mode().IsRegular():
		return "", nil, fmt.Errorf("read %s: it is no file", path)
	case slices.ContainsFunc(s.open, func(other os.FileInfo) bool { return os.SameFile(info, other) }):
		return "", nil, fmt.Errorf("read %s: it includes itself", path)
	case s.read >= maxFiles:
		return "", nil, fmt.Errorf("read %s: more than %d files are included", path, maxFiles)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil {
		err = textual(data)
	}
	if err != nil {
		return "", nil, fmt.Errorf("read %s: %v", path, reason(err))
	}
	s.read++
	s.open = append(s.open, info)
	return string(data), func() { s.open = s.open[:len(s.open)-1] }, nil
}

func textual(data []byte) error {
	switch {
	case len(data) > maxFile:
		return fmt.Errorf("it is larger than %d bytes; is this the right file?", maxFile)
	case len(strings.TrimSpace(string(data))) == 0:
		return errors.New("it is empty")
	case slices.Contains(data, 0) || !utf8.Valid(data):
		return errors.New("it is no text (UTF-8)")
	}
	return nil
}

func reason(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// expand finds the files that an include names, relative to the folder of the file
// that it stands in. A pattern may match nothing; a plain name must exist.
func expand(pattern, from string) ([]string, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(from), pattern)
	}
	if !strings.ContainsAny(pattern, `*?[`) {
		return []string{pattern}, nil
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s: bad pattern %q", from, pattern)
	}
	slices.Sort(files)
	return slices.DeleteFunc(files, func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.IsDir()
	}), nil
}
