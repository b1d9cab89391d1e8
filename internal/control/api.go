package control

import (
	"errors"
	"fmt"
	"time"
)

// Status is what GET /api/v1/pools answers: the same as status --output json.
// In all types of this file what cannot be known is null, never 0, times are
// RFC 3339 in UTC, and fields are added but never renamed.
type Status struct {
	Supervisor Supervisor `json:"supervisor"`
	Pools      []Pool     `json:"pools"` // sorted by name
}

// Supervisor is the process that answers.
type Supervisor struct {
	PID        int        `json:"pid"`
	Version    string     `json:"version"`
	StartedAt  time.Time  `json:"started_at"`
	UpgradedAt *time.Time `json:"upgraded_at"` // when this program took the place of another
	Config     string     `json:"config"`      // path of the file; empty when run from flags
}

// Pool is one pool.
type Pool struct {
	Name         string            `json:"name"`
	State        string            `json:"state"`     // running, starting, reloading, backoff, stopping or stopped
	Listen       string            `json:"listen"`    // as configured
	Address      *string           `json:"address"`   // where clients reach it; of systemd: and fd: what lies behind
	Wanted       int               `json:"wanted"`    // 0 when stopped
	Processes    int               `json:"processes"` // wanted while it runs
	Ready        int               `json:"ready"`
	Generation   int               `json:"generation"`
	Reload       string            `json:"reload"`
	Queue        *int              `json:"queue"`       // connections that no worker has accepted yet
	Backlog      *int              `json:"backlog"`     // the limit of the queue
	Connections  *int              `json:"connections"` // accepted and not closed
	Healthy      bool              `json:"healthy"`     // running or reloading, with a ready worker, and its probe answered
	BackoffUntil *time.Time        `json:"backoff_until"`
	Failures     int               `json:"failures"` // workers in a row that never became ready
	LastFailure  *Failure          `json:"last_failure"`
	LastReload   *Reload           `json:"last_reload"`
	LastProbe    *Probe            `json:"last_probe"` // null: none was answered yet, or none is configured
	Starts       uint64            `json:"starts"`
	Exits        map[string]uint64 `json:"exits"`    // by reason
	Restarts     map[string]uint64 `json:"restarts"` // replacements nobody had asked for, by reason
	Workers      []Worker          `json:"workers"`  // living ones, by slot, then generation
	Slots        []Slot            `json:"slots"`    // all of them, with a process or without
}

// Worker is one process.
type Worker struct {
	Slot       int        `json:"slot"`
	PID        *int       `json:"pid"` // null before it exists
	Generation int        `json:"generation"`
	Phase      string     `json:"phase"` // starting, ready, draining or stopping
	Busy       *bool      `json:"busy"`
	BusySince  *time.Time `json:"busy_since"`
	StartedAt  *time.Time `json:"started_at"`
	ReadyAt    *time.Time `json:"ready_at"`
	Restarts   *uint64    `json:"restarts"` // of its slot; null when the slot is given up
	RSSBytes   *uint64    `json:"rss_bytes"`
	CPUSeconds *float64   `json:"cpu_seconds"`
	FDs        *int       `json:"fds"`
	Threads    *int       `json:"threads"`
	LastExit   *Exit      `json:"last_exit"` // of its predecessor
}

// Slot is what is remembered of a slot's earlier workers.
type Slot struct {
	Slot     int    `json:"slot"`
	Restarts uint64 `json:"restarts"`
	LastExit *Exit  `json:"last_exit"`
}

// Exit is how a worker ended.
type Exit struct {
	Reason string    `json:"reason"` // exit_0, exit_nonzero, signal, oom or start_error
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
	Output []string  `json:"output"` // its last lines, oldest first
}

// Failure is a worker that never became ready, or an address that cannot be
// listened on.
type Failure struct {
	Slot   *int      `json:"slot"` // null: not about one worker
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
	Output []string  `json:"output"`
}

// Reload is the newest reload or restart.
type Reload struct {
	Trigger    string    `json:"trigger"` // signal, api, file or config
	Path       string    `json:"path,omitempty"`
	Generation int       `json:"generation"`
	Result     *string   `json:"result"` // ok or failed; null while it is under way
	Text       string    `json:"text,omitempty"`
	Output     []string  `json:"output,omitempty"`
	At         time.Time `json:"at"`
	Seconds    *float64  `json:"seconds"`
}

// Probe is what became of the last probe.
type Probe struct {
	At        time.Time `json:"at"`
	OK        bool      `json:"ok"`
	Saturated bool      `json:"saturated"` // not answered in time, as were the clients in the queue
	Text      string    `json:"text,omitempty"`
	Seconds   float64   `json:"seconds"`
}

// Event is a line of GET /api/v1/events.
type Event struct {
	Seq        uint64    `json:"seq"` // counts up from 1, over all pools
	At         time.Time `json:"at"`
	Pool       string    `json:"pool"`
	Kind       string    `json:"kind"`
	Text       string    `json:"text"`
	Bad        bool      `json:"bad"`  // it happened to us, rather than being asked for
	Slot       *int      `json:"slot"` // null: not about one worker
	PID        *int      `json:"pid"`
	Generation int       `json:"generation"`
	Output     []string  `json:"output,omitempty"`
}

// LogLine is a line of GET /api/v1/logs.
type LogLine struct {
	Seq     uint64    `json:"seq"` // counts up from 1 in each pool
	At      time.Time `json:"at"`
	Pool    string    `json:"pool"`
	Slot    int       `json:"slot"`
	PID     int       `json:"pid"`
	Text    string    `json:"text"`
	Raw     []byte    `json:"raw,omitempty"`     // base64 of the very bytes, where they are not UTF-8
	Partial bool      `json:"partial,omitempty"` // a piece of a line that was too long; more follows
	Missed  uint64    `json:"missed,omitempty"`  // lines of the pool before this one that a slow reader has lost
}

// Bytes is the line as the worker wrote it.
func (l *LogLine) Bytes() []byte {
	if l.Raw != nil {
		return l.Raw
	}
	return []byte(l.Text)
}

// Options are the body of POST /api/v1/pools/NAME/ACTION and /api/v1/upgrade.
type Options struct {
	Timeout   string `json:"timeout,omitempty"` // as "90s"; empty or "0s": wait as long as it takes
	Processes int    `json:"processes,omitempty"`
	AllAtOnce bool   `json:"all_at_once,omitempty"`
	Binary    string `json:"binary,omitempty"` // upgrade only: absolute path; empty: the one that was started
}

// Answer is a line of the answer to a command. Lines with Progress come first;
// the last one has OK, or Error and Code.
type Answer struct {
	Progress string   `json:"progress,omitempty"`
	OK       *bool    `json:"ok,omitempty"`
	Text     string   `json:"text,omitempty"`
	Output   []string `json:"output,omitempty"` // last lines of the worker that made it fail
	Error    string   `json:"error,omitempty"`
	Code     Code     `json:"code,omitempty"`
	Mistakes Mistakes `json:"mistakes,omitempty"` // all of the configuration's, as FILE:LINE:COL: message
	*Change           // only of POST /api/v1/configuration
}

// Change is what has become of the pools when the configuration was read again.
type Change struct {
	Added   []string `json:"added"`   // they start
	Removed []string `json:"removed"` // they have ended
}

// Mistakes of a configuration are why it was not taken.
type Mistakes []string

// Error counts them; each is a line of its own.
func (m Mistakes) Error() string {
	if len(m) == 1 {
		return "the configuration has a mistake, the one before stays in force"
	}
	return fmt.Sprintf("the configuration has %d mistakes, the one before stays in force", len(m))
}

// err is the error that the answer tells; nil if it tells none.
func (a *Answer) err() error {
	switch {
	case len(a.Mistakes) > 0:
		return a.Mistakes
	case a.Error != "":
		return errors.New(a.Error)
	}
	return nil
}

// Code says to programs what an error is.
type Code string

// Codes, each with its HTTP status.
const (
	CodeBadRequest   Code = "bad_request"   // 400
	CodeUnknownPool  Code = "unknown_pool"  // 404
	CodeNotFound     Code = "not_found"     // 404: no such page
	CodeTooLarge     Code = "too_large"     // 413
	CodeMistakes     Code = "mistakes"      // 422: the configuration has some, and what ran stays as it was
	CodeShuttingDown Code = "shutting_down" // 503
	CodeTimeout      Code = "timeout"       // 504: the command goes on
)
