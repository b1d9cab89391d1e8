package supervisor

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Histogram is how long something took, each time that it happened. It is plain
// data, to be written as JSON and read again, and it never forgets: what it says
// of the past stays so. The zero value is an empty one.
type Histogram struct {
	Count   uint64         `json:"count"`
	Seconds float64        `json:"seconds"`          // the sum
	Classic []uint64       `json:"classic"`          // how many were at most HistogramBounds[i], and more than the bound before
	Native  map[int]uint64 `json:"native,omitempty"` // likewise, of NativeBound(i)
}

// HistogramBounds are the upper bounds in seconds of a Histogram's classic buckets.
var HistogramBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300}

// NativeSchema is the resolution of a Histogram's native buckets as Prometheus
// numbers it: 2^3 buckets for each doubling, which is 9 % from one to the next.
// https://prometheus.io/docs/specs/native_histograms/#schema
const NativeSchema = 3

// Native buckets end here, so that there are never more than some 200: from 60 µs
// to 70 minutes. What took less, or longer, is counted in the last one.
const (
	lowestNative  = -14 << NativeSchema
	highestNative = 12 << NativeSchema
)

// Observe counts one that took so long.
func (h *Histogram) Observe(took time.Duration) {
	seconds := max(0, took.Seconds())
	h.Count++
	h.Seconds += seconds
	if len(h.Classic) != len(HistogramBounds) {
		h.Classic = make([]uint64, len(HistogramBounds))
	}
	if i, _ := slices.BinarySearch(HistogramBounds, seconds); i < len(HistogramBounds) {
		h.Classic[i]++
	}
	if h.Native == nil {
		h.Native = map[int]uint64{}
	}
	h.Native[nativeBucket(seconds)]++
}

// nativeBucket is the lowest i for which seconds <= NativeBound(i).
func nativeBucket(seconds float64) int {
	if seconds == 0 {
		return lowestNative
	}
	i := int(math.Ceil(math.Log2(seconds) * (1 << NativeSchema)))
	return min(max(i, lowestNative), highestNative)
}

func (h *Histogram) clone() Histogram {
	return Histogram{Count: h.Count, Seconds: h.Seconds, Classic: slices.Clone(h.Classic), Native: maps.Clone(h.Native)}
}
