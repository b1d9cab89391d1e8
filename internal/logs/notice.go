package logs

import "fmt"

// Kind is what a Notice is about.
type Kind int

const (
	// Failing: writes to the sink fail from now on; Err says why.
	Failing Kind = iota
	// Recovered: it works again; Lost lines are missing.
	Recovered
	// Overrun: lines came faster than the sink takes them; it takes them now,
	// and Lost are missing.
	Overrun
)

// Notice is what a Queue has to say about its sink: once when it begins to fail,
// and when it works again with what that has cost.
type Notice struct {
	Kind Kind
	Err  error // Failing only
	Lost uint64
	Pace Pace
}

// Text says it in words; a Failing notice leaves the why to Err.
func (n Notice) Text() string {
	switch n.Kind {
	case Failing:
		return "log fails, lines are lost until it works again"
	case Recovered:
		return fmt.Sprintf("log recovered, %s lost", linesWere(n.Lost))
	}
	reason := "the log's reader is too slow"
	if n.Pace == Wait {
		reason = "the disk of the log is too slow"
	}
	return fmt.Sprintf("%d lines of worker output dropped: %s", n.Lost, reason)
}

func linesWere(n uint64) string {
	if n == 1 {
		return "1 line was"
	}
	return fmt.Sprintf("%d lines were", n)
}
