package logs

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// The attributes that every line may have, in the order they are written.
const (
	fieldPool = iota
	fieldWorker
	fieldPID
	fieldGeneration
	fieldError
	knownFields
)

var fieldNames = [knownFields]string{"pool", "worker", "pid", "gen", "err"}

// fields are the attributes of a record, put in order.
type fields struct {
	known [knownFields]slog.Attr // zero: not given
	rest  []slog.Attr            // the others, groups dissolved into "group.key"
}

func (f *fields) clone() fields {
	return fields{known: f.known, rest: slices.Clone(f.rest)}
}

// add takes an attribute that was given inside the group with this prefix.
func (f *fields) add(prefix string, a slog.Attr) {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range a.Value.Group() {
			f.add(prefix, inner)
		}
		return
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	if i := slices.Index(fieldNames[:], a.Key); i >= 0 && prefix == "" {
		f.known[i] = a
		return
	}
	a.Key = prefix + a.Key
	f.rest = append(f.rest, a)
}

// all are the attributes from the known one numbered first on, in order.
func (f *fields) all(first int) []slog.Attr {
	var attrs []slog.Attr
	for _, a := range f.known[first:] {
		if a.Key != "" {
			attrs = append(attrs, a)
		}
	}
	return append(attrs, f.rest...)
}

// who is the worker that the record is about, "blog/3[4711]", and the attributes
// that this does not say.
func (f *fields) who() (string, []slog.Attr) {
	if f.known[fieldPool].Key == "" {
		return "", f.all(fieldPool)
	}
	who := plain(f.known[fieldPool].Value)
	if worker := f.known[fieldWorker]; worker.Key != "" {
		who += "/" + plain(worker.Value)
	}
	if pid := f.known[fieldPID]; pid.Key != "" {
		who += "[" + plain(pid.Value) + "]"
	}
	return who, f.all(fieldGeneration)
}

// plain is the value as a person reads it.
func plain(v slog.Value) string {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format(time.RFC3339)
	case slog.KindAny:
		return fmt.Sprint(v.Any()) // an error or Stringer that panics is caught there
	}
	return v.String()
}
