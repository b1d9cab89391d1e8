package supervisor

import "context"

// Action is what a command asks for.
type Action string

const (
	ActionStart   Action = "start"
	ActionStop    Action = "stop"
	ActionReload  Action = "reload"  // a new generation, in the way the pool is configured
	ActionRestart Action = "restart" // a new generation: rolling, or all at once
	ActionScale   Action = "scale"
)

// Command asks something of one pool.
type Command struct {
	Action    Action
	Pool      string
	Processes int    // scale only
	AllAtOnce bool   // restart only: stop all, then start all; the socket stays bound
	Trigger   string // reload and restart: api, signal, file or config
	Path      string // the changed file, if that is the trigger
	By        string // who asked, for the log: "uid 0 pid 812"
}

// Outcome is what became of a command.
type Outcome struct {
	OK     bool
	Text   string   // "blog: 5 workers ready in 41ms" or why it failed
	Output []string // last lines of the worker that made it fail
}

// Commander carries out commands; *Supervisor is the one there is. Do returns
// when the outcome is known, ctx ends (the command itself goes on), or the loop
// has ended. Commands given at the same moment are carried out one after the
// other, never refused. progress, if not nil, is called with a line whenever the
// picture changes. An unknown pool is ErrUnknownPool.
type Commander interface {
	Do(ctx context.Context, c Command, progress func(string)) (Outcome, error)
}
