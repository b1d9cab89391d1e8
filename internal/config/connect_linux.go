package config

import (
	"os/user"
	"strings"
)

// ExplainConnect says why the given user could not connect to the Unix socket at
// path: which folder on the way, or the socket's own mode (connecting needs write
// permission, unix(7)). It is empty if nothing is in the way.
func ExplainConnect(path string, uid, gid uint32, groups []uint32) (text, remedy string) {
	a := account{name: userName(uid), uid: uid, gid: gid, groups: groups}
	real, info, f := a.walk(path)
	if f == nil && !a.may(real, info, mayWrite) {
		refused := a.refused(real, info, mayWrite)
		f = &refused
	}
	if f == nil {
		return "", ""
	}
	return f.text, f.remedy
}

// Interpreter is the program that would read the script at path if the given user
// executed it: what its #! line names, looked up in workerPath when that is env.
// Empty if path is no script, or cannot be read.
func Interpreter(path string, uid, gid uint32, groups []uint32, workerPath string) string {
	a := account{name: userName(uid), uid: uid, gid: gid, groups: groups}
	head := headOf(path)
	if !strings.HasPrefix(head, "#!") {
		return ""
	}
	line, _ := firstLine([]byte(head))
	fields := strings.Fields(line)
	if len(fields) == 0 || !strings.HasSuffix(fields[0], "/env") {
		return strings.Join(fields[:min(len(fields), 1)], "")
	}
	name := strings.Join(fields[1:min(len(fields), 2)], "")
	if split, ok := cutSplit(strings.Join(fields[1:], " ")); ok {
		name = firstProgram(split)
	}
	if found, ok := a.search(name, workerPath); ok {
		return found
	}
	return name
}

// IDs are the ids of a user and of all its groups, from the databases.
func IDs(name string) (uid, gid uint32, groups []uint32, err error) {
	if u, lookup := user.LookupId(name); lookup == nil {
		name = u.Username
	}
	a, err := accountOf(Pool{User: name})
	return a.uid, a.gid, a.groups, err
}
