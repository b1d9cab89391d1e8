package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"fcgi-supervisor/supervisor"
)

// zeroThreshold: a native bucket that is this narrow around 0 holds nothing of ours,
// but the format wants one.
const zeroThreshold = 1e-9

// constHistogram is a histogram that was counted elsewhere, with classic and native
// buckets; client_golang makes constant ones with either.
type constHistogram struct {
	prometheus.Metric // with the native buckets
	classic           []*dto.Bucket
}

func newHistogram(f *family, h *supervisor.Histogram, labels ...string) prometheus.Metric {
	native := make(map[int]int64, len(h.Native))
	for i, n := range h.Native {
		native[i] = int64(n)
	}
	metric := prometheus.MustNewConstNativeHistogram(f.desc, h.Count, h.Seconds, native, nil, 0,
		supervisor.NativeSchema, zeroThreshold, time.Time{}, labels...)
	classic := make([]*dto.Bucket, len(supervisor.HistogramBounds))
	sum := uint64(0)
	for i := range classic {
		if i < len(h.Classic) {
			sum += h.Classic[i]
		}
		total := sum
		classic[i] = &dto.Bucket{UpperBound: &supervisor.HistogramBounds[i], CumulativeCount: &total}
	}
	return constHistogram{metric, classic}
}

// Write implements prometheus.Metric.
func (c constHistogram) Write(to *dto.Metric) error {
	if err := c.Metric.Write(to); err != nil {
		return err
	}
	to.Histogram.Bucket = c.classic
	to.Histogram.CreatedTimestamp = nil // not known: counted before this process, perhaps
	return nil
}
