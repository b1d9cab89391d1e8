package e2e

// `dev` at a terminal: colours, keys, and the terminal as it was when it ends. Not
// covered: terminals that are no pseudo-terminals.

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: what is written to it is kept.
type terminal struct {
	master, slave *os.File
	mu            sync.Mutex // one goroutine writes, the test reads
	text          bytes.Buffer
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &terminal{master: master, slave: slave}
	var reader sync.WaitGroup
	reader.Go(p.read)
	t.Cleanup(func() {
		slave.Close() // the last one: the reader's read fails
		reader.Wait()
		master.Close()
	})
	return p
}

// read ends when nobody has the terminal open any more (EIO).
func (p *terminal) read() {
	buffer := make([]byte, 4096)
	for {
		n, err := p.master.Read(buffer)
		p.mu.Lock()
		p.text.Write(buffer[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *terminal) shown() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *terminal) settings(t *testing.T) unix.Termios {
	t.Helper()
	settings, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *settings
}

func (p *terminal) waitFor(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() error {
		if shown := p.shown(); !strings.Contains(shown, text) {
			return fmt.Errorf("the terminal does not show %q:\n%s", text, shown)
		}
		return nil
	})
}

func TestDevAtATerminal(t *testing.T) {
	t.Parallel()
	p := newTerminal(t)
	before := p.settings(t)
	cmd := exec.Command(binary, "dev", "--http", "127.0.0.1:0", "--name", uniqueName("dev"), "--directory", publicFolder(t), "--", filepath.Join(workers, "worker-c"))
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.slave, p.slave, p.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.waitFor(t, "never for production")
	p.waitFor(t, "Keys: r reloads, q ends.")
	p.waitFor(t, "2 workers ready")
	p.waitFor(t, "\x1b[32mINFO") // green
	press := func(key string) {
		if _, err := p.master.WriteString(key); err != nil {
			t.Fatal(err)
		}
	}
	press("x") // means nothing
	press("r")
	p.waitFor(t, "generation 2 serves")
	press("q")
	deadline := time.AfterFunc(patience, func() { cmd.Process.Signal(syscall.SIGQUIT) })
	err := cmd.Wait()
	deadline.Stop()
	if err != nil {
		t.Errorf("after q: %v\n%s", err, p.shown())
	}
	if after := p.settings(t); after != before {
		t.Errorf("the terminal is not as it was: %+v, was %+v", after, before)
	}
}
