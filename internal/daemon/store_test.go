package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fcgi-supervisor/internal/control"
)

// Sockets that outlive supervisor and workers. Not covered: systemd (internal/boottest).

// shelf plays systemd's descriptor store for one program after the other.
type shelf struct {
	t    *testing.T
	conn *net.UnixConn
	done sync.WaitGroup

	mu  sync.Mutex
	has map[string]*os.File
}

func newShelf(t *testing.T, p *program) *shelf {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{t: t, conn: conn, has: map[string]*os.File{}}
	s.done.Go(s.serve) // ended by the socket's end
	t.Cleanup(func() {
		conn.Close()
		s.done.Wait()
		s.empty()
	})
	p.env = append(p.env, "NOTIFY_SOCKET="+path)
	return s
}

func (s *shelf) serve() {
	text, control := make([]byte, 1<<16), make([]byte, 1<<10)
	for {
		n, c, _, _, err := s.conn.ReadMsgUnix(text, control)
		if err != nil {
			return
		}
		var files []*os.File
		messages, _ := syscall.ParseSocketControlMessage(control[:c])
		for _, m := range messages {
			fds, _ := syscall.ParseUnixRights(&m)
			for _, fd := range fds {
				files = append(files, os.NewFile(uintptr(fd), "stored"))
			}
		}
		s.take(strings.Split(string(text[:n]), "\n"), files)
	}
}

// take does what systemd does with one datagram.
func (s *shelf) take(lines []string, files []*os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range lines {
		name, named := strings.CutPrefix(line, "FDNAME=")
		switch {
		case named && slices.Contains(lines, "FDSTORE=1") && s.has[name] == nil:
			s.has[name], files = files[0], nil
		case named && slices.Contains(lines, "FDSTOREREMOVE=1") && s.has[name] != nil:
			s.has[name].Close()
			delete(s.has, name)
		}
	}
	for _, f := range files {
		f.Close()
	}
}

func (s *shelf) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for name := range s.has {
		list = append(list, name)
	}
	return list
}

func (s *shelf) empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.has {
		f.Close()
	}
	clear(s.has)
}

// passTo has the program's next start get what is in the store.
func (s *shelf) passTo(p *program) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, file := range s.has {
		fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			s.t.Fatal(err)
		}
		names, p.passed = append(names, name), append(p.passed, os.NewFile(uintptr(fd), name))
	}
	p.env = append(p.env, fmt.Sprintf("LISTEN_FDS=%d", len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
}

// killAll ends the program and its workers at once, and returns when they are gone
// with their descriptors.
func (p *program) killAll() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP) // so that it replaces nobody meanwhile
	workers := p.workers()
	for _, pid := range workers {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	p.signal(syscall.SIGKILL)
	p.ends(-1)
	p.eventually(func() error {
		for _, pid := range workers {
			if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(stat), ") Z ") {
				return fmt.Errorf("worker %d lives still: %s", pid, stat)
			}
		}
		return nil
	})
}

// waits connects a client and returns what becomes of it.
func (p *program) waits(network, address string) <-chan error {
	p.t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		p.t.Fatalf("a client while nobody lives: %v", err)
	}
	served := make(chan error, 1)
	go func() { // ended by the deadline, at the latest
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(2 * patience))
		_, err := conn.Read(make([]byte, 1))
		served <- err
	}()
	return served
}

// isServed: the worker has closed the connection, which is all that it does.
func (p *program) isServed(served <-chan error) {
	p.t.Helper()
	if err := <-served; err == nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ECONNRESET) {
		p.t.Errorf("the client that waited: %v", err)
	}
}

// networkOf is an address of a configuration as net.Dial has it.
func (p *program) networkOf(listen string) (network, address string) {
	network, address, _ = strings.Cut(strings.ReplaceAll(listen, "FOLDER", p.folder), ":")
	return network, address
}

// ownTCP is an address of this machine that no other test has.
func ownTCP(n int) string {
	pid := os.Getpid()
	return fmt.Sprintf("tcp:127.%d.%d.%d:20%03d", 128+pid>>16&63, pid>>8&255, pid&255|1, n)
}

func TestSocketsOutliveEverybody(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"unix:FOLDER/blog.sock", "unix:@FOLDER/blog.sock", ownTCP(1)} {
		t.Run(listen[:6], func(t *testing.T) {
			p := write(t, strings.Replace(pool("blog", "serve", ""), "unix:FOLDER/blog.sock", listen, 1))
			s := newShelf(t, p)
			p.start()
			before := p.waitRunning("blog")
			if _, err := p.client().Do(t.Context(), "blog", "reload", control.Options{Timeout: "1m"}, func(string) {}); err != nil {
				t.Fatal(err)
			}
			p.eventually(func() error { // the swapped-out one is let go
				if names := s.names(); len(names) != 1 {
					return fmt.Errorf("stored: %q, want one", names)
				}
				return nil
			})
			p.waitRunning("blog")
			p.killAll()
			client := p.waits(p.networkOf(listen))
			s.passTo(p)
			p.start()
			p.isServed(client)
			if after := p.waitRunning("blog"); after.Generation != before.Generation+1 {
				t.Errorf("generation %d, want the one that was reloaded, %d", after.Generation, before.Generation+1)
			}
			p.signal(syscall.SIGTERM)
			p.ends(0)
			if names := s.names(); names != nil {
				t.Errorf("after a stop there are %q in the store", names)
			}
		})
	}
}

// Two sockets are there, and clients wait at the one that has no worker any more.
func TestSocketsOutliveEverybodyDuringASwap(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"unix:FOLDER/blog.sock", ownTCP(2)} {
		t.Run(listen[:4], func(t *testing.T) {
			p := write(t, strings.Replace(pool("blog", "serve", ""), "unix:FOLDER/blog.sock", listen, 1))
			s := newShelf(t, p)
			p.start()
			p.waitRunning("blog")
			p.edit(`"serve"`, `"mute"`)
			asked := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer close(asked)
				_, _ = p.client().Do(ctx, "blog", "reload", control.Options{Timeout: "1m"}, func(string) {})
			}()
			p.waitWritten(`"Generation":2,"Phase":"starting"`)
			if names := s.names(); len(names) != 2 {
				t.Errorf("stored: %q, want two", names)
			}
			p.killAll()
			cancel() // it would wait for a successor
			<-asked
			client := p.waits(p.networkOf(listen))
			p.edit(`"mute"`, `"serve"`)
			s.passTo(p)
			p.start()
			p.isServed(client)
			p.waitRunning("blog")
			p.isServed(p.waits(p.networkOf(listen)))
		})
	}
}

// The address of an abstract socket is free only when nobody has it open.
func TestStoredSocketsThatNobodyKnowsAreLetGo(t *testing.T) {
	t.Parallel()
	p := write(t, strings.Replace(pool("blog", "serve", ""), "unix:FOLDER/blog.sock", "unix:@FOLDER/blog.sock", 1))
	s := newShelf(t, p)
	p.start()
	p.waitRunning("blog")
	p.killAll()
	if err := os.Remove(p.path("run/state.json")); err != nil {
		t.Fatal(err)
	}
	before := s.names()
	s.passTo(p)
	p.start()
	p.waitRunning("blog")
	if after := s.names(); len(after) != 1 || slices.Equal(after, before) {
		t.Errorf("stored are %q, before it was %q", after, before)
	}
}

// A pool that has had no worker yet has clients all the same.
func TestSocketOfAPoolWithoutWorkersOutlivesUs(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", "environment_file = \"FOLDER/missing\"\n")+pool("other", "serve", ""))
	s := newShelf(t, p)
	p.start()
	p.waitFor("blog", "in back-off", func(s control.Pool) bool { return s.State == "backoff" })
	p.killAll()
	client := p.waits("unix", p.path("blog.sock"))
	if err := os.WriteFile(p.path("missing"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.passTo(p)
	p.start()
	p.isServed(client)
	p.waitRunning("blog")
}

// A pool that somebody has stopped has no address, before and after.
func TestStoppedPoolIsNotBoundAgain(t *testing.T) {
	t.Parallel()
	p := write(t, pool("blog", "serve", "")+pool("other", "serve", ""))
	p.start()
	p.waitRunning("blog")
	if _, err := p.client().Do(t.Context(), "blog", "stop", control.Options{Timeout: "1m"}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	p.waitWritten(`"Name":"blog","Up":false`)
	p.killAll()
	p.start()
	p.waitRunning("other")
	if conn, err := net.Dial("unix", p.path("blog.sock")); err == nil {
		conn.Close()
		t.Error("a stopped pool takes connections, which nobody serves")
	}
}
