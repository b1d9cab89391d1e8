package watch

// Goroutines that a watcher leaves behind fail the tests. Nothing else is tested
// here.

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
