package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
)

const (
	// checkTimeout is how long a new program may take to say that it could go on.
	checkTimeout = 10 * time.Second
	// handoverVariable tells a program that it takes our place, and what it gets.
	handoverVariable = "FCGI_SUPERVISOR_HANDOVER"
	// handoverAnswer is how a program answers CheckHandover; its version follows.
	handoverAnswer = "fcgi-supervisor can take over: "
)

// errNoUpgrade: this is not a supervisor that was started by run.
var errNoUpgrade = errors.New("only a supervisor that was started by `run` can be upgraded")

// handover is what a program gets from the one whose place it takes, besides the
// state: descriptors, which are open in both.
type handover struct {
	Version      string // of that one
	StartedAt    time.Time
	Lock         int
	Control      int
	ControlTrace listen.Trace
	Sockets      map[uint64]int
	Pipes        map[int]int
	Named        map[string][]int
	Numbered     map[int]int
}

// upgradeRequest asks the door for an upgrade.
type upgradeRequest struct {
	binary   string // empty: the one that was started
	progress func(string)
	failed   chan error // holds one; nothing comes if the upgrade succeeds
}

// Upgrade replaces the running program by another and does not return if that
// succeeds: the process is another program then. progress is told each step.
func (d *Daemon) Upgrade(ctx context.Context, binary string, progress func(string)) error {
	r := upgradeRequest{binary, progress, make(chan error, 1)}
	select {
	case d.door.upgrades <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.supervisor.Done():
		return errStopping
	}
	select {
	case err := <-r.failed:
		return err
	case <-d.supervisor.Done():
		return errStopping
	}
}

var errStopping = errors.New("the supervisor is stopping")

// upgrade checks the program and executes it. It returns only if that fails; then
// everything goes on as before.
func (d *Daemon) upgrade(r upgradeRequest) error {
	if d.options.Args == nil {
		return errNoUpgrade
	}
	binary, err := d.newBinary(r.binary)
	if err != nil {
		return err
	}
	next, err := d.checkBinary(binary)
	if err != nil {
		return err
	}
	r.progress(fmt.Sprintf("%s can take over; replacing %s", next, d.options.Version))
	d.log.Slog().Info("replacing the program", "version", d.options.Version, "by", next, "binary", binary)
	d.changing.Lock()
	defer d.changing.Unlock()
	restore := d.signals.hold()
	defer restore()
	if err := d.halted(func() error { return d.execute(binary) }); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	return nil
}

func (d *Daemon) newBinary(path string) (string, error) {
	if path == "" {
		path = d.options.Binary
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the new program: %w", err)
	}
	return path, config.CheckTrust(path)
}

// checkBinary has the program say whether it understands the configuration and the
// state, and returns its version.
func (d *Daemon) checkBinary(binary string) (version string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	args := slices.Clone(d.options.Args)
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	cmd := exec.CommandContext(ctx, binary, slices.Insert(args, end, "--check-handover")...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "NOTIFY_SOCKET=") })
	var said, complained bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complained
	err = d.executor.RunHelper(cmd)
	version, found := strings.CutPrefix(strings.TrimSpace(said.String()), handoverAnswer)
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s does not say within %s whether it can take over", binary, checkTimeout)
	case err != nil && complained.Len() > 0:
		return "", fmt.Errorf("%s cannot take over:\n%s", binary, strings.TrimSpace(complained.String()))
	case err != nil:
		return "", fmt.Errorf("%s cannot take over: %w", binary, err)
	case !found:
		return "", fmt.Errorf("%s is no fcgi-supervisor that can take over: asked with --check-handover it says %.80q", binary, said.String())
	}
	return version, nil
}

// CheckHandover is how a new program answers whether it could take over from the
// supervisor that runs with this configuration.
func CheckHandover(cfg *config.Config, version string) (answer string, err error) {
	s, err := parseState(statePath(cfg.Supervisor.RuntimeDir))
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", errors.New("there is no state of a supervisor that runs")
	}
	return handoverAnswer + version, nil
}

// execute lets the descriptors be inherited and becomes the other program; while
// halted.
func (d *Daemon) execute(binary string) error {
	h := handover{Version: d.options.Version, StartedAt: d.startedAt, Lock: d.lock.FD()}
	h.Sockets, h.Pipes = d.executor.Descriptors()
	h.Named, h.Numbered = listen.Passed()
	var err error
	if h.Control, h.ControlTrace, err = d.listener.Heirloom(); err != nil {
		return err
	}
	defer unix.Close(h.Control)
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	h.inherit(0)
	defer h.inherit(unix.FD_CLOEXEC)
	environment := append(append(os.Environ(), d.telling.manager.Environ()...), handoverVariable+"="+string(text))
	err = syscall.Exec(binary, append([]string{binary}, d.options.Args...), environment)
	return fmt.Errorf("execute %s: %w", binary, err)
}

// descriptors are all that is handed over.
func (h *handover) descriptors() []int {
	list := []int{h.Lock, h.Control}
	for _, fd := range h.Sockets {
		list = append(list, fd)
	}
	for _, fd := range h.Pipes {
		list = append(list, fd)
	}
	for _, fds := range h.Named {
		list = append(list, fds...)
	}
	for _, fd := range h.Numbered {
		list = append(list, fd)
	}
	return list
}

// inherit sets the descriptor flags: 0, or FD_CLOEXEC.
func (h *handover) inherit(flags int) {
	for _, fd := range h.descriptors() {
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFD, flags)
	}
}

// receiveHandover returns what the program before us in this process has left;
// nil if there was none.
func receiveHandover() (*handover, error) {
	text, given := os.LookupEnv(handoverVariable)
	if !given {
		return nil, nil
	}
	os.Unsetenv(handoverVariable)
	h := &handover{}
	if err := json.Unmarshal([]byte(text), h); err != nil {
		return nil, fmt.Errorf("take over from the program before: %w", err)
	}
	h.inherit(unix.FD_CLOEXEC)
	listen.Resume(h.Named, h.Numbered)
	return h, nil
}
