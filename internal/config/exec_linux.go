package config

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// maxHead is how much of a file the kernel looks at to find out how to run it
// (BINPRM_BUF_SIZE); a #! line must fit in.
const maxHead = 256

// maxScripts is how deep scripts may be interpreted by scripts (execve(2)).
const maxScripts = 5

// noexec is ST_NOEXEC of statfs(2), which x/sys does not name.
const noexec = unix.MS_NOEXEC

// ExplainExec says why the given user could not execute path: which component of
// the path, or which interpreter, is to blame. It is empty if nothing is wrong.
// workerPath is the PATH in which #!/usr/bin/env looks.
func ExplainExec(path string, uid, gid uint32, groups []uint32, workerPath string) string {
	a := account{name: userName(uid), uid: uid, gid: gid, groups: groups}
	if f := a.program(path, workerPath, 0); f != nil {
		return f.String()
	}
	return ""
}

// program checks that a can execute path.
func (a account) program(path, workerPath string, depth int) *fault {
	if depth > maxScripts {
		return &fault{text: path + " is interpreted by a script that is interpreted by a script, and so on: too deep"}
	}
	real, info, f := a.walk(path)
	if f != nil {
		return f
	}
	if !info.Mode().IsRegular() {
		return &fault{text: real + " is not a program: " + typeName(info.Mode())}
	}
	if !a.may(real, info, mayEnter) {
		refused := a.refused(real, info, mayEnter)
		return &refused
	}
	if f := mounted(real); f != nil {
		return f
	}
	return a.content(real, workerPath, depth)
}

// mounted finds a file system that lets nothing be executed.
func mounted(path string) *fault {
	var stat unix.Statfs_t
	if unix.Statfs(path, &stat) != nil || stat.Flags&noexec == 0 {
		return nil
	}
	return &fault{text: path + " is on a file system mounted noexec", remedy: "findmnt --target " + path}
}

// content looks at how the file begins. What we may not read we do not judge.
func (a account) content(path, workerPath string, depth int) *fault {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	head := make([]byte, maxHead)
	n, err := io.ReadFull(file, head)
	if err != nil && n == 0 && err != io.EOF {
		return nil
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte(elf.ELFMAG)):
		return a.loader(path, file)
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf#!")):
		return &fault{text: path + " begins with a byte order mark before its #! line", remedy: `sed -i '1s/^\xEF\xBB\xBF//' ` + path}
	case bytes.HasPrefix(head, []byte("#!")):
		return a.script(path, head, workerPath, depth)
	case otherFormats():
		return nil
	case n == 0:
		return &fault{text: path + " is empty"}
	}
	return &fault{text: path + " is neither an ELF program nor a script: its first line does not begin with #!"}
}

// loader checks the dynamic loader that an ELF program names: without it the
// kernel says "no such file" of a file that is there.
func (a account) loader(path string, file *os.File) *fault {
	program, err := elf.NewFile(file)
	if err != nil {
		return &fault{text: fmt.Sprintf("%s is a damaged ELF program: %v", path, err)}
	}
	if foreign(program.Machine) {
		return &fault{text: fmt.Sprintf("%s is a program for another processor (%s), not for this one (%s)", path,
			strings.ToLower(strings.TrimPrefix(program.Machine.String(), "EM_")), runtime.GOARCH)}
	}
	for _, segment := range program.Progs {
		if segment.Type != elf.PT_INTERP || segment.Filesz > unix.PathMax {
			continue
		}
		name := make([]byte, segment.Filesz)
		if _, err := segment.ReadAt(name, 0); err != nil {
			return &fault{text: fmt.Sprintf("%s is a damaged ELF program: %v", path, err)}
		}
		if _, _, f := a.walk(string(bytes.TrimRight(name, "\x00"))); f != nil {
			return &fault{text: path + " needs a loader: " + f.text, remedy: f.remedy}
		}
	}
	return nil
}

// foreign says that a program is for processors on which this kernel runs nothing.
// An emulator, registered with binfmt_misc, may run it all the same.
func foreign(machine elf.Machine) bool {
	ours := map[string][]elf.Machine{
		"amd64": {elf.EM_X86_64, elf.EM_386}, "arm64": {elf.EM_AARCH64, elf.EM_ARM},
	}[runtime.GOARCH]
	return ours != nil && !slices.Contains(ours, machine) && !otherFormats()
}

// headOf is the beginning of a file, empty if it cannot be read.
func headOf(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	head := make([]byte, maxHead)
	n, _ := io.ReadFull(file, head)
	return string(head[:n])
}

// otherFormats says that the kernel runs more than ELF and scripts here (binfmt_misc).
func otherFormats() bool {
	entries, err := os.ReadDir("/proc/sys/fs/binfmt_misc")
	return err == nil && len(entries) > 2 // register and status are always there
}

// typeName is a file type in words.
func typeName(mode os.FileMode) string {
	switch mode.Type() {
	case os.ModeDir:
		return "a folder"
	case os.ModeSocket:
		return "a socket"
	case os.ModeNamedPipe:
		return "a named pipe"
	}
	return "a device"
}

// search finds a program in a PATH, as the user would.
func (a account) search(name, path string) (string, bool) {
	for _, folder := range filepath.SplitList(path) {
		real, info, f := a.walk(filepath.Join(folder, name))
		if f == nil && info.Mode().IsRegular() && a.may(real, info, mayEnter) {
			return filepath.Join(folder, name), true
		}
	}
	return "", false
}

// firstLine cuts the #! line as the kernel does.
func firstLine(head []byte) (string, bool) {
	line, _, found := bytes.Cut(head, []byte("\n"))
	return strings.Trim(string(line[len("#!"):]), " \t"), found || len(head) < maxHead
}
