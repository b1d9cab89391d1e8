package control_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(holdLock); folder != "" {
		playHolder(folder)
	}
	goleak.VerifyTestMain(m)
}
