package fastcgi

import (
	"errors"
	"fmt"
	"strconv"
)

// Fault is what is wrong with an application or its answer, in words.
type Fault struct {
	What   string // what was seen
	Advice string // what a person can do about it; may be empty
	Err    error  // the system's error behind it, or nil
}

func (f *Fault) Error() string {
	if f.Err != nil {
		return fmt.Sprintf("%s: %v", f.What, f.Err)
	}
	return f.What
}

// Unwrap is the system's error, so that a caller can tell a full queue (EAGAIN)
// or a time-out (os.ErrDeadlineExceeded) from the rest.
func (f *Fault) Unwrap() error { return f.Err }

// Try is the advice.
func (f *Fault) Try() string { return f.Advice }

// Advice is what a person can do about err, or "" if nothing is known.
func Advice(err error) string {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Advice
	}
	return ""
}

const quoteLimit = 80

// quote shows what an application wrote: on one line, harmless to a terminal, never long.
func quote[T string | []byte](text T) string {
	if len(text) > quoteLimit {
		return strconv.Quote(string(text[:quoteLimit])) + "..."
	}
	return strconv.Quote(string(text))
}
