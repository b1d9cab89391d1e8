package config

// What all tests of this package share.

import (
	"os"
	"testing"
)

// TestMain gives every test the same runtime folder, whoever runs it.
func TestMain(m *testing.M) {
	os.Unsetenv("RUNTIME_DIRECTORY")
	os.Setenv("XDG_RUNTIME_DIR", "/run/user/1")
	os.Exit(m.Run())
}
