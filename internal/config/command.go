package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// argv reads a command. A bare name is looked up now, so that workers, messages
// and the default directory all mean the same file.
func argv(n *node, complain complainer) ([]string, bool) {
	list, good := arguments(n, complain)
	if len(n.items) == 0 {
		complain(n.value, "is empty; name at least the program")
		return nil, false
	}
	if !good {
		return nil, false
	}
	path, fault := lookPath(list[0], DefaultPath)
	if fault != "" {
		complain(n.items[0].value, "%s", fault)
		return nil, false
	}
	list[0] = path
	return list, true
}

// arguments reads strings of which only the first may not be empty.
func arguments(n *node, complain complainer) ([]string, bool) {
	list, good := []string{}, true
	for i, item := range n.items {
		read := clean
		if i == 0 {
			read = word
		}
		if !kindString.accepts(item, complain) {
			good = false
			continue
		}
		text, ok := read(item, complain)
		list, good = append(list, text), good && ok
	}
	return list, good
}

// lookPath finds the program that name means, or says why it cannot.
func lookPath(name, path string) (file, fault string) {
	if filepath.IsAbs(name) {
		return name, ""
	}
	if strings.Contains(name, "/") {
		return "", fmt.Sprintf("%q is relative; write the whole path, as in \"/var/www/%s\"", name, filepath.Base(name))
	}
	for _, folder := range filepath.SplitList(path) {
		file := filepath.Join(folder, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, ""
		}
	}
	return "", fmt.Sprintf("%q is not in %s", name, path)
}
