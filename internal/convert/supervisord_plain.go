package convert

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// plainProgram is a [program:x] that keeps FastCGI workers by means of another
// program; nil: it is none that we know.
func plainProgram(sec section, name string) *pool {
	p := program{&pool{name: name, origin: fmt.Sprintf("[%s] in %s:%d", sec.name, sec.file, sec.line)}, sec, name}
	var started *pool
	rest := p.options[:0:0]
	for _, o := range p.options {
		if o.name != "command" {
			rest = append(rest, o)
			continue
		}
		value, err := p.expand(o.value)
		if err != nil {
			return nil
		}
		argv, err := words(value)
		if err != nil || len(argv) == 0 {
			return nil
		}
		if started = startsFastCGI(argv); started == nil {
			return nil
		}
		p.keys, p.same, p.gone, p.fault = started.keys, started.same, started.gone, started.fault
	}
	if started == nil {
		return nil
	}
	processes := p.index("processes") >= 0
	for _, o := range rest {
		if o.name == "numprocs" && (processes || strings.TrimSpace(o.value) == "1") {
			p.keep(o.written(), "the command says how many workers there are")
			continue
		}
		if err := p.option(o); err != nil && p.fault == nil {
			p.fault = fmt.Errorf("%s: %w", o.written(), err)
		}
	}
	p.setDefault("processes", 1, "theirs; ours would be 5")
	return p.pool
}

// startsFastCGI knows spawn-fcgi, multiwatch and php-cgi -b in a command line; nil
// for all others.
func startsFastCGI(argv []string) *pool {
	switch base := filepath.Base(argv[0]); {
	case base == "spawn-fcgi", base == "multiwatch":
		pools, err := spawnFcgi(argv)
		if err != nil {
			return &pool{fault: err}
		}
		return pools[0]
	case phpCGI.MatchString(base):
		return boundPHP(argv)
	}
	return nil
}

var phpCGI = regexp.MustCompile(`^php[0-9.]*-cgi[0-9.]*$`)

// boundPHP is php-cgi -b ADDRESS, which opens its own socket.
func boundPHP(argv []string) *pool {
	p := &pool{}
	var rest []string
	for i := 0; i < len(argv); i++ {
		address, found := strings.CutPrefix(argv[i], "-b")
		if !found || i == 0 {
			rest = append(rest, argv[i])
			continue
		}
		if address == "" && i+1 < len(argv) {
			i++
			address = argv[i]
		}
		p.set("listen", fpmAddress(address), "-b "+address, "the supervisor opens the socket")
	}
	if p.index("listen") < 0 {
		return nil
	}
	p.set("command", rest, strings.Join(argv, " "), "without -b")
	return p
}
