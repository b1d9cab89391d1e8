package logs

import (
	"testing"

	"go.uber.org/goleak"
)

// No test may leave the goroutine of a Queue behind.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}
