package supervisor

// Freeze makes the loop note what happens and decide nothing, until Thaw: the time
// in which another program takes the place of this one. False: the supervisor is
// stopping, or has ended.
func (s *Supervisor) Freeze() bool {
	reply := make(chan bool, 1)
	if !s.send(freeze{reply}) {
		return false
	}
	select {
	case frozen := <-reply:
		return frozen
	case <-s.done:
		return false
	}
}

// Thaw undoes Freeze.
func (s *Supervisor) Thaw() { s.send(thaw{}) }

type (
	freeze struct{ reply chan<- bool }
	thaw   struct{}
)

func (f freeze) apply(s *Supervisor) {
	s.frozen = !s.stopping
	f.reply <- s.frozen
}

func (thaw) apply(s *Supervisor) { s.frozen = false }
