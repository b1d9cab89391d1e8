package listen

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// Waiting is the number of clients in the queue that are still there. The queue is
// longer where clients have given up: the kernel keeps their connections until
// somebody accepts them.
func (s *Socket) Waiting() (int, error) {
	look := s.waitingTCP
	if s.domain == unix.AF_UNIX {
		look = s.waitingUnix
	}
	clients, known, err := look()
	if err == nil && !known {
		err = fmt.Errorf("look at %s: the kernel lists no such socket in our network namespace", s.address)
	}
	return clients, err
}

func (s *Socket) waitingUnix() (clients int, known bool, err error) {
	entries, err := unixTableWith(showName|showFile|showClients, stateListen)
	for _, e := range entries {
		if e.inode == s.inode {
			return e.clients, true, nil
		}
	}
	return 0, false, err
}

// waitingTCP counts connections without an inode: nobody has accepted them. Those of
// clients that are gone are in CLOSE_WAIT.
func (s *Socket) waitingTCP() (clients int, known bool, err error) {
	entries, err := tcpTable(uint8(s.domain), []int{s.port})
	if err != nil {
		return 0, false, err
	}
	listening := map[netip.AddrPort][]*Figures{}
	var own *Figures
	for _, e := range entries {
		if e.state == stateListen {
			f := &Figures{Queue: e.queue}
			listening[e.local] = append(listening[e.local], f)
			if e.inode == s.inode {
				own = f
			}
		}
	}
	for _, e := range entries {
		if e.state == stateEstablished && e.inode == 0 && slices.Contains(listenersOf(e.local, uint8(s.domain), listening), own) {
			clients++
		}
	}
	if own == nil {
		return 0, false, nil
	}
	return min(clients, own.Queue), true, nil // others may wait at another socket of the address
}
