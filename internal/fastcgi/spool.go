package fastcgi

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// spoolMemory is how much of a body of unknown length is kept in memory.
const spoolMemory = 1 << 20

// spool holds a body until its length is known: CONTENT_LENGTH is sent before it.
type spool struct {
	io.Reader
	length int64
	file   *os.File // nil while everything fits in memory
}

// newSpool reads all of from. An error of the disk is an *fs.PathError, all others are from's.
func newSpool(from io.Reader) (*spool, error) {
	var memory bytes.Buffer
	length, err := io.CopyN(&memory, from, spoolMemory+1)
	if err == io.EOF {
		return &spool{Reader: &memory, length: length}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the request's body: %w", err)
	}
	return spoolToFile(io.MultiReader(&memory, from))
}

func spoolToFile(from io.Reader) (*spool, error) {
	file, err := os.CreateTemp("", "fcgi-supervisor-body-")
	if err != nil {
		return nil, fmt.Errorf("buffer the request's body: %w", err)
	}
	s := &spool{Reader: file, file: file}
	if err := os.Remove(file.Name()); err != nil { // nothing to clean up, however we end
		s.discard()
		return nil, fmt.Errorf("buffer the request's body: %w", err)
	}
	s.length, err = io.Copy(file, from)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.discard()
		return nil, fmt.Errorf("buffer the request's body (%d bytes so far): %w", s.length, err)
	}
	return s, nil
}

// discard gives the disk space back.
func (s *spool) discard() {
	if s.file != nil {
		s.file.Close()
	}
}
