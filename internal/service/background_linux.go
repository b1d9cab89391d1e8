package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"fcgi-supervisor/internal/notify"
)

// Daemon is a program to run in the background, where no init system does that.
type Daemon struct {
	Program string
	Args    []string
	PIDFile string // gets the pid and the start time, field 22 of proc(5)'s stat
	LogFile string // its standard output and error, appended to
}

// ErrEnded: the daemon has ended before it was ready; the error's text is what it
// has said last.
var ErrEnded = errors.New("it ended while starting")

// Start starts the daemon and returns when it says that it is ready, with its
// status.
func (d Daemon) Start(ctx context.Context) (status string, err error) {
	listener, err := notify.Listen()
	if err != nil {
		return "", err
	}
	defer listener.Close()
	log, from, err := d.openLog()
	if err != nil {
		return "", err
	}
	defer log.Close()
	cmd := exec.Command(d.Program, d.Args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", log, log
	cmd.Env = append(os.Environ(), listener.Variable())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start %s: %w", d.Program, cause(err))
	}
	if err := d.writePID(cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return "", err
	}
	return d.await(ctx, cmd, listener, from)
}

// await waits for the first of: ready, ended, ctx.
func (d Daemon) await(ctx context.Context, cmd *exec.Cmd, listener *notify.Listener, from int64) (string, error) {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the daemon, or with us
	ready := make(chan string, 1)
	go func() { // ends with the listener
		for {
			message, err := listener.Next()
			if err != nil {
				return
			}
			if message["READY"] == "1" {
				ready <- message["STATUS"]
				return
			}
		}
	}()
	select {
	case status := <-ready:
		return status, nil
	case <-ended:
		_ = os.Remove(d.PIDFile)
		return "", fmt.Errorf("%w:\n%s", ErrEnded, d.saidSince(from))
	case <-ctx.Done():
		return "", fmt.Errorf("wait until it is ready: %w; it goes on, see %s", context.Cause(ctx), d.LogFile)
	}
}

func (d Daemon) openLog() (log *os.File, end int64, err error) {
	if err = os.MkdirAll(filepath.Dir(d.LogFile), 0o755); err == nil {
		log, err = os.OpenFile(d.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open the log %s: %w", d.LogFile, cause(err))
	}
	info, err := log.Stat()
	if err != nil {
		log.Close()
		return nil, 0, fmt.Errorf("look at the log %s: %w", d.LogFile, cause(err))
	}
	return log, info.Size(), nil
}

// saidSince are the last lines of what the log has got since it had that size.
func (d Daemon) saidSince(size int64) string {
	log, err := os.Open(d.LogFile)
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	const most = 4096
	info, err := log.Stat()
	if err == nil {
		_, err = log.Seek(max(size, info.Size()-most), io.SeekStart)
	}
	text, readErr := io.ReadAll(log)
	if err = errors.Join(err, readErr); err != nil {
		return err.Error()
	}
	return lines(string(text), 12)
}

// writePID writes who the daemon is. A pid alone would be taken for it when
// somebody else has got the number.
func (d Daemon) writePID(pid int) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return fmt.Errorf("look at the new process: %w", err)
	}
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // from the third on
	const startTime = 22 - 3
	return replace(File{d.PIDFile, fmt.Sprintf("%d %s\n", pid, fields[startTime]), 0o644})
}
