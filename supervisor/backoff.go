package supervisor

import "time"

// jitterShare is how much a delay is lengthened at the most, so that pools that
// fail for one reason do not come back in one moment.
const jitterShare = 0.10

// backoffDelay is the delay after the nth failure in a row, n from 1: first,
// doubling up to limit, plus the share of it that jitter (0 to 1) says.
func backoffDelay(first, limit time.Duration, n int, jitter float64) time.Duration {
	delay := first
	for i := 1; i < n && delay < limit; i++ {
		delay *= 2
	}
	delay = min(delay, limit)
	return delay + time.Duration(float64(delay)*jitterShare*jitter)
}
