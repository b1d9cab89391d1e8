package convert

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// peer is a program whose configuration is read.
type peer struct {
	name string
	// file reads FILE and all that it includes; args reads a command line, and is nil
	// where there is none to read.
	file func(s *source, path string) ([]*pool, error)
	args func(words []string) ([]*pool, error)
}

var peers = []peer{
	{name: "supervisord", file: supervisord},
	{name: "php-fpm", file: phpFPM},
	{name: "lighttpd", file: lighttpd},
	{name: "apache", file: apache},
	{name: "spawn-fcgi", file: spawnScript, args: spawnFcgi},
}

// Names are the programs that can be converted from.
func Names() []string {
	var names []string
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

// TakesArgs says whether FromArgs knows the program.
func TakesArgs(name string) bool {
	return slices.ContainsFunc(peers, func(p peer) bool { return p.name == name && p.args != nil })
}

// FromFile converts what is in a file of one of Names, with all that it includes.
// The error has one line: what could not be read, and where.
func FromFile(name, path string) (string, error) {
	p, err := find(name)
	if err != nil {
		return "", err
	}
	pools, err := p.file(&source{}, path)
	return result(pools, path, name, err)
}

// FromArgs converts a command line, with or without the program's name in front.
func FromArgs(name string, words []string) (string, error) {
	p, err := find(name)
	if err != nil {
		return "", err
	}
	if p.args == nil {
		return "", fmt.Errorf("%s is configured by a file, not by arguments; try: convert %s FILE", name, name)
	}
	pools, err := p.args(words)
	return result(pools, "a command line", name, err)
}

func find(name string) (peer, error) {
	i := slices.IndexFunc(peers, func(p peer) bool { return p.name == name })
	if i < 0 {
		return peer{}, fmt.Errorf("unknown program %q; want one of %s", name, strings.Join(Names(), ", "))
	}
	return peers[i], nil
}

// result writes the pools. A file with nothing to convert is an error, and so is
// one in which nothing could be converted.
func result(pools []*pool, from, name string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if len(pools) == 0 {
		return "", fmt.Errorf("%s has nothing for %s that starts FastCGI programs", from, name)
	}
	good := 0
	names, addresses := map[string]bool{}, map[string]string{}
	for _, p := range pools {
		p.finish(names, addresses)
		if p.fault == nil {
			good++
		}
	}
	if good == 0 {
		var faults []error
		for _, p := range pools {
			faults = append(faults, fmt.Errorf("%s: %w", p.origin, p.fault))
		}
		if len(faults) > 1 {
			return "", fmt.Errorf("%w (and %d more like it)", faults[0], len(faults)-1)
		}
		return "", errors.Join(faults...)
	}
	return render(pools, from, name), nil
}
