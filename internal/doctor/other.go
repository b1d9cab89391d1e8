//go:build !linux

package doctor

import "context"

// Examine is for Linux only.
func Examine(_ context.Context, o Options) *Report {
	r := &Report{Pool: o.Pool.Name, Findings: []Finding{}}
	r.unknown("machine", "this is not Linux", "")
	return r
}
