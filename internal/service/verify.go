package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// verify has the init system's own tools read the files, in a folder of their own,
// before they get their place. What it returns are warnings.
func verify(kind string, files []File) (warnings string, err error) {
	folder, err := os.MkdirTemp("", Name+"-verify-")
	if err != nil {
		return "", fmt.Errorf("verify the text: %w", err)
	}
	defer os.RemoveAll(folder)
	var paths []string
	for _, f := range files {
		path := filepath.Join(folder, filepath.Base(f.Path))
		if err := os.WriteFile(path, []byte(f.Text), 0o600); err != nil {
			return "", fmt.Errorf("verify the text: %w", err)
		}
		paths = append(paths, path)
	}
	if kind == SysV {
		return "", verifyScript(files[len(files)-1], paths[len(paths)-1])
	}
	if !have("systemd-analyze") {
		return "", nil
	}
	said, err := output("systemd-analyze", append([]string{"verify", "--man=no", "--recursive-errors=no"}, paths...)...)
	if err != nil {
		return "", fmt.Errorf("verify the unit: %w", err)
	}
	return said, nil
}

// header are the lines that insserv(8) and chkconfig(8) go by.
var header = []string{"### BEGIN INIT INFO\n", "\n# Provides:", "\n# Required-Start:", "\n# Required-Stop:",
	"\n# Default-Start:", "\n# Default-Stop:", "\n# Short-Description:", "\n### END INIT INFO\n", "\n# chkconfig:"}

func verifyScript(f File, path string) error {
	for _, line := range header {
		if !strings.Contains(f.Text, line) {
			return fmt.Errorf("verify the init script: its header has no %q", strings.TrimSpace(line))
		}
	}
	if !strings.HasPrefix(f.Text, "#!/bin/sh\n") {
		return errors.New("verify the init script: it does not begin with #!/bin/sh")
	}
	if _, err := output("sh", "-n", path); err != nil {
		return fmt.Errorf("verify the init script: %w", err)
	}
	return nil
}
