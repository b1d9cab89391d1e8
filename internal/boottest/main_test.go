package boottest

// Builds what the machines get. What is not covered: other architectures, other
// distributions than Debian, a kernel of their own (a power cut here loses nothing
// that was written, see .ci/boot-test).

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// acceptance has other releases and other services of SysV init tried as well,
// whose roots take minutes to make.
var acceptance = flag.Bool("acceptance", false, "the machines of `make acceptance` too")

// binary is the program as it is shipped; written by TestMain alone.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "boottest-built-")
	if err == nil {
		defer os.RemoveAll(folder)
		err = build(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "boottest:", err)
		return 1
	}
	return m.Run()
}

func build(folder string) error {
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	var missing []error
	if os.Geteuid() != 0 {
		missing = append(missing, errors.New("root: machines are booted here; try: sudo make test"))
	}
	for _, program := range []string{"mmdebstrap", "unshare", "nsenter", "setpriv", "script", "flock", "setsid", "lintian"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, fmt.Errorf("program %s; try: .ci/deps", program))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return fmt.Errorf("missing on this machine:\n%w", err)
	}
	binary = filepath.Join(folder, "fcgi-supervisor")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, "fcgi-supervisor/cmd/fcgi-supervisor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, output)
	}
	return nil
}
