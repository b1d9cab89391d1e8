//go:build !linux

package notify

import "time"

// monotonic: elsewhere nobody asks.
func monotonic() time.Duration { return 0 }
