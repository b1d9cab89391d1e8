package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// transaction writes files such that all of them are there in the end, or none.
type transaction struct {
	undo []func() error
}

// write puts a file in place by renaming it there, whole and on disk.
func (t *transaction) write(f File) error {
	if err := t.makeFolders(filepath.Dir(f.Path)); err != nil {
		return err
	}
	before, err := os.ReadFile(f.Path)
	existed := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", f.Path, cause(err))
	}
	info, _ := os.Stat(f.Path)
	if err := replace(f); err != nil {
		return err
	}
	t.undo = append(t.undo, func() error {
		if existed {
			return replace(File{f.Path, string(before), uint32(info.Mode().Perm())})
		}
		return os.Remove(f.Path)
	})
	return nil
}

// makeFolders makes what is missing, and notes it.
func (t *transaction) makeFolders(folder string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	if err := t.makeFolders(filepath.Dir(folder)); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the folder %s: %w", folder, cause(err))
	}
	t.undo = append(t.undo, func() error { return os.Remove(folder) })
	return nil
}

// rollback undoes everything, the last first. Its errors say what is left.
func (t *transaction) rollback() error {
	var errs []error
	for _, undo := range slices.Backward(t.undo) {
		errs = append(errs, undo())
	}
	t.undo = nil
	return errors.Join(errs...)
}

// replace writes a file beside its place, brings it to the disk and renames it.
func replace(f File) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(f.Path), "."+filepath.Base(f.Path)+".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Path, cause(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
			err = fmt.Errorf("write %s: %w", f.Path, cause(err))
		}
	}()
	_, err = temporary.WriteString(f.Text)
	if err == nil {
		err = temporary.Chmod(os.FileMode(f.Mode))
	}
	if err == nil {
		err = temporary.Sync()
	}
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), f.Path)
	}
	return err
}

// cause is an error without operation and path, which the message has already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
