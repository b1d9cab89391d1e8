package config

// Access control lists, compared with what the kernel itself answers. Not covered:
// NFSv4's lists, which are others.

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAccessListsAreJudgedAsTheKernelDoes(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may ask as somebody else")
	}
	path := filepath.Join(open(t), "file")
	put(t, path, "", 0o600)
	const somebody, theirGroup, otherGroup = 61001, 61002, 61003
	a := account{name: "somebody", uid: somebody, gid: theirGroup, groups: []uint32{otherGroup}}
	for _, list := range []string{
		"u::rwx,g::---,o::---,u:61001:rwx,m::rwx",
		"u::rwx,g::rwx,o::rwx,u:61001:---,m::rwx",
		"u::rwx,g::---,o::---,u:61001:rwx,m::r--",
		"u::---,g::---,o::---,u:61009:rwx,m::rwx",
		"u::rwx,g::---,o::---,g:61002:rw-,m::rwx",
		"u::rwx,g::---,o::rwx,g:61002:r--,g:61003:-w-,m::rwx",
		"u::rwx,g::rwx,o::---,g:61003:rwx,m::--x",
		"u::rwx,g::rwx,o::rwx,g:61003:---,m::rwx",
		"u::rwx,g::rwx,o::r-x,g:61009:---,m::rwx",
	} {
		for _, owner := range []int{0, somebody} {
			for _, group := range []int{0, theirGroup} {
				run(t, "setfacl", "--set", list, path)
				if err := os.Chown(path, owner, group); err != nil {
					t.Fatal(err)
				}
				info, err := os.Lstat(path)
				if err != nil {
					t.Fatal(err)
				}
				for right, flag := range map[uint32]string{mayRead: "-r", mayWrite: "-w", mayEnter: "-x"} {
					kernel := exec.Command("setpriv", "--reuid", "61001", "--regid", "61002", "--groups", "61003", "test", flag, path).Run() == nil
					if got := a.may(path, info, right); got != kernel {
						t.Errorf("%s, owner %d:%d, test %s: %v, the kernel says %v", list, owner, group, flag, got, kernel)
					}
				}
				if refused := a.refused(path, info, mayWrite); !strings.Contains(refused.remedy, "setfacl -m u:somebody:rw "+path) {
					t.Errorf("remedy %q", refused.remedy)
				}
			}
		}
	}
}

func run(t *testing.T, command ...string) {
	t.Helper()
	if output, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, output)
	}
}
