package listen

import "fmt"

// Figures are what the kernel says about one listening socket.
type Figures struct {
	Queue    int             // connections the kernel has completed and nobody has accepted
	Backlog  int             // the limit of the queue as the kernel applies it
	Accepted map[uint64]bool // inodes of the accepted connections that are still open
	Unread   map[uint64]bool // those of them in which bytes wait to be read
	Shared   bool            // another socket listens at the address; Accepted are the connections of both
}

// accept notes an accepted connection with so many unread bytes.
func (f *Figures) accept(inode uint64, unread int) {
	f.Accepted[inode] = true
	if unread > 0 {
		f.Unread[inode] = true
	}
}

// Table is one look at the kernel's socket tables.
type Table struct {
	figures map[uint64]*Figures // by inode of the listening socket
}

// Of is what was seen of s; false: nothing, because its table could not be read
// or it lives in another network namespace.
func (t *Table) Of(s *Socket) (Figures, bool) {
	f, ok := t.figures[s.inode]
	if !ok {
		return Figures{}, false
	}
	return *f, true
}

// Queue is the number of connections waiting and how many may wait.
func (s *Socket) Queue() (queue, backlog int, err error) {
	f, err := lookAtOne(s)
	return f.Queue, f.Backlog, err
}

// Connections are the inodes of the connections accepted from s and still open.
func Connections(s *Socket) (map[uint64]bool, error) {
	f, err := lookAtOne(s)
	return f.Accepted, err
}

// Figures is one look at s alone.
func (s *Socket) Figures() (Figures, error) { return lookAtOne(s) }

func lookAtOne(s *Socket) (Figures, error) {
	t, err := Look([]*Socket{s})
	if err != nil {
		return Figures{}, err
	}
	f, ok := t.Of(s)
	if !ok {
		return Figures{}, fmt.Errorf("look at %s: the kernel lists no such socket in our network namespace", s.address)
	}
	return f, nil
}

// Holder is a process that has a socket open.
type Holder struct {
	PID     int
	Command string // its command line, or [NAME] when it has none
}

func (h Holder) String() string { return fmt.Sprintf("pid %d (%s)", h.PID, h.Command) }
