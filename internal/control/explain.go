package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// explain says why there was no answer, and what to do.
func (c *Client) explain(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // without the address, which is made up
	}
	where := "cannot reach the supervisor at " + c.path
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: %w (try: fcgi-supervisor run --config ...)", where, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %s (try: sudo fcgi-supervisor ...)", where, mayUse(c.path))
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return fmt.Errorf("%s: it takes connections but does not answer", where)
	}
	var system syscall.Errno
	if errors.As(err, &system) {
		err = system // without the path, which stands in front
	}
	return fmt.Errorf("%s: %w", where, err)
}

// mayUse says who may use the control socket, as far as we are allowed to know.
func mayUse(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "permission denied: you may not look into its folder"
	}
	socket, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return "permission denied"
	case info.Mode()&0o020 != 0:
		return fmt.Sprintf("only %s and members of the group %s may use it", userName(socket.Uid), groupName(socket.Gid))
	}
	return fmt.Sprintf("only %s may use it, as long as no control_group is configured", userName(socket.Uid))
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid " + id
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}
