//go:build linux && (amd64 || arm64)

package worker

import (
	"fmt"
	"math"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// StartError is a worker that could not be started: which step failed, on what.
type StartError struct {
	Step  string // "exec", "enter the directory", "become user 33"
	Path  string // the program or folder, if the step is about one
	Errno unix.Errno
}

func (e *StartError) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("%s %s: %v", e.Step, e.Path, e.Errno)
	}
	return fmt.Sprintf("%s: %v", e.Step, e.Errno)
}

func (e *StartError) Unwrap() error { return e.Errno }

// birthPlan is the list of calls, and the memory they point to.
type birthPlan struct {
	calls []call
	steps []StartError // what the calls after defaultSignals, which cannot fail, are for
	keep  []any        // Go's collector does not see the addresses in calls
}

func (p *birthPlan) add(step StartError, number uintptr, args ...uintptr) {
	c := call{number: number}
	copy(c.args[:], args)
	p.calls = append(p.calls, c)
	p.steps = append(p.steps, step)
}

func (p *birthPlan) try(number uintptr, args ...uintptr) {
	p.add(StartError{}, number, args...)
	p.calls[len(p.calls)-1].optional = 1
}

func (p *birthPlan) pointer(v any, at unsafe.Pointer) uintptr {
	p.keep = append(p.keep, v) // the interface makes v escape to the heap, which does not move
	return uintptr(at)
}

// text is a C string; a NUL inside is the caller's mistake and ends it.
func (p *birthPlan) text(s string) uintptr {
	b := append([]byte(s), 0)
	return p.pointer(b, unsafe.Pointer(&b[0]))
}

// vector is a NULL-terminated array of C strings.
func (p *birthPlan) vector(list []string) uintptr {
	v := make([]uintptr, len(list)+1)
	for i, s := range list {
		v[i] = p.text(s)
	}
	return p.pointer(v, unsafe.Pointer(&v[0]))
}

// plan writes down a birth in the order in which it must happen: what needs
// privileges first, then the privileges go, then what is looked up as the user.
func (s Spec) plan(outputFD int) *birthPlan {
	p := &birthPlan{calls: make([]call, 0, len(defaultSignals)+20), steps: make([]StartError, 0, 20)}
	p.calls = append(p.calls, defaultSignals...)
	p.add(StartError{Step: "begin a session"}, unix.SYS_SETSID)
	p.add(StartError{Step: "set the umask"}, unix.SYS_UMASK, uintptr(s.Umask))
	for _, l := range s.Limits {
		r := &unix.Rlimit{Cur: l.Value, Max: l.Value}
		p.add(StartError{Step: fmt.Sprintf("set resource limit %d to %d", l.Resource, l.Value)},
			unix.SYS_PRLIMIT64, 0, uintptr(l.Resource), p.pointer(r, unsafe.Pointer(r)), 0)
	}
	if s.Nice != nil {
		p.add(StartError{Step: fmt.Sprintf("set nice %d", *s.Nice)},
			unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uintptr(*s.Nice))
	}
	p.credential(s.Credential)
	if s.NoNewPrivs {
		p.add(StartError{Step: "set no_new_privileges"}, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	}
	if s.Dir != "" {
		p.add(StartError{Step: "enter the directory", Path: s.Dir}, unix.SYS_CHDIR, p.text(s.Dir))
	}
	p.descriptors(s.ListenFD, outputFD)
	var none uint64
	p.add(StartError{Step: "empty the signal mask"}, unix.SYS_RT_SIGPROCMASK,
		unix.SIG_SETMASK, p.pointer(&none, unsafe.Pointer(&none)), 0, 8)
	p.add(StartError{Step: "exec", Path: s.Path}, unix.SYS_EXECVE, p.text(s.Path), p.vector(s.Args), p.vector(s.Env))
	return p
}

// defaultAction is the kernel's struct sigaction, all zero: SIG_DFL.
var defaultAction [4]uint64

// defaultSignals sets every disposition to default: exec(2) does that for handled
// signals, but those that we were started with ignored would stay ignored.
var defaultSignals = func() []call {
	var calls []call
	for s := uintptr(1); s <= 64; s++ {
		calls = append(calls, call{number: unix.SYS_RT_SIGACTION, optional: 1,
			args: [6]uintptr{s, uintptr(unsafe.Pointer(&defaultAction)), 0, 8}})
	}
	return calls
}()

func (p *birthPlan) credential(c *Credential) {
	if c == nil {
		return
	}
	groups := append([]uint32{}, c.Groups...)
	if len(groups) == 0 {
		groups = append(groups, c.GID)
	}
	who := fmt.Sprintf("user %d, group %d", c.UID, c.GID)
	p.add(StartError{Step: "set the groups of " + who}, unix.SYS_SETGROUPS,
		uintptr(len(groups)), p.pointer(groups, unsafe.Pointer(&groups[0])))
	gid, uid := uintptr(c.GID), uintptr(c.UID)
	p.add(StartError{Step: "take the group of " + who}, unix.SYS_SETRESGID, gid, gid, gid)
	p.add(StartError{Step: "become " + who}, unix.SYS_SETRESUID, uid, uid, uid)
}

// descriptors leaves 0, 1 and 2 and nothing else.
func (p *birthPlan) descriptors(listenFD, outputFD int) {
	p.add(StartError{Step: "put the socket on descriptor 0"}, unix.SYS_DUP3, uintptr(listenFD), 0, 0)
	p.add(StartError{Step: "put the pipe on descriptor 1"}, unix.SYS_DUP3, uintptr(outputFD), 1, 0)
	p.add(StartError{Step: "put the pipe on descriptor 2"}, unix.SYS_DUP3, uintptr(outputFD), 2, 0)
	// Since kernel 5.9; before that close-on-exec alone has to do.
	p.try(unix.SYS_CLOSE_RANGE, 3, math.MaxUint32, 0)
}

// spawn starts the worker with its output on outputFD and returns its pid and
// pidfd. When it returns without an error the program has been executed.
func (s Spec) spawn(outputFD int) (pid, pidfd int, err error) {
	if s.ListenFD < 3 || outputFD < 3 {
		return 0, 0, fmt.Errorf("spawn %s: descriptors %d and %d are in the way", s.Path, s.ListenFD, outputFD)
	}
	p := s.plan(outputFD)
	fd, failed := new(int32), new(stumble)
	pid, errno := vfork(p.calls, fd, failed)
	runtime.KeepAlive(p)
	if errno != 0 {
		return 0, 0, &StartError{Step: "fork", Errno: errno}
	}
	if failed.errno == 0 {
		return pid, int(*fd), nil
	}
	reap(int(*fd))
	unix.Close(int(*fd))
	step := p.steps[len(p.calls)-len(defaultSignals)-int(failed.left)]
	step.Errno = unix.Errno(failed.errno)
	return 0, 0, &step
}
