package convert

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fcgi-supervisor/internal/config"
)

// pool is one of ours in the making.
type pool struct {
	name   string
	origin string // what it comes from, as in "[fcgi-program:blog]"
	keys   []entry
	same   []remark // options that hold without a key
	gone   []remark // options that are not carried over
	fault  error    // why there is no pool; its remarks are told all the same
}

// entry is a key of ours and what it comes from.
type entry struct {
	path   string // "processes", "log.file"
	value  any    // string, int, []string or map[string]string
	theirs []string
	why    string // how the meaning changes; empty: it does not
}

// remark is an option of theirs, and what becomes of it.
type remark struct{ theirs, why string }

// set writes a key. theirs is the option as they wrote it, empty for a default of
// theirs that differs from ours; why is empty where the meaning is the same.
func (p *pool) set(path string, value any, theirs, why string) {
	e := entry{path: path, value: value, why: why}
	if theirs != "" {
		e.theirs = []string{theirs}
	}
	if i := p.index(path); i >= 0 {
		p.keys[i] = e
		return
	}
	p.keys = append(p.keys, e)
}

// setDefault is set for a key that has no value yet.
func (p *pool) setDefault(path string, value any, why string) {
	if p.index(path) < 0 {
		p.set(path, value, "", why)
	}
}

func (p *pool) index(path string) int {
	return slices.IndexFunc(p.keys, func(e entry) bool { return e.path == path })
}

// value is that of a key, or nil.
func (p *pool) value(path string) any {
	if i := p.index(path); i >= 0 {
		return p.keys[i].value
	}
	return nil
}

func (p *pool) text(path string) string {
	if i := p.index(path); i >= 0 {
		return fmt.Sprint(p.keys[i].value)
	}
	return ""
}

// env adds a variable of the workers.
func (p *pool) env(name, value, theirs string) {
	i := p.index("environment")
	if i < 0 {
		p.set("environment", map[string]string{}, "", "")
		i = p.index("environment")
	}
	p.keys[i].value.(map[string]string)[name] = value
	if theirs != "" {
		p.keys[i].theirs = append(p.keys[i].theirs, theirs)
	}
}

// inherit adds a variable that is passed on.
func (p *pool) inherit(name, theirs string) {
	if name == "" {
		p.drop(theirs, "a variable without a name")
		return
	}
	i := p.index("inherit_environment")
	if i < 0 {
		p.set("inherit_environment", []string{}, "", "")
		i = p.index("inherit_environment")
	}
	p.keys[i].value = append(p.keys[i].value.([]string), name)
	p.keys[i].theirs = append(p.keys[i].theirs, theirs)
}

func (p *pool) keep(theirs, why string) { p.same = append(p.same, remark{theirs, why}) }
func (p *pool) drop(theirs, why string) { p.gone = append(p.gone, remark{theirs, why}) }

var (
	notInName    = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
	notFirst     = regexp.MustCompile(`^[^A-Za-z0-9]+`)
	maxName      = 64
	errNoCommand = errors.New("no program to start is named")
)

// finish makes the pool one that internal/config accepts, or says why it cannot.
func (p *pool) finish(names map[string]bool, addresses map[string]string) {
	if argv, _ := p.value("command").([]string); p.name == "" && len(argv) > 0 {
		p.name = strings.TrimSuffix(filepath.Base(argv[0]), filepath.Ext(argv[0]))
	}
	p.name = unusedName(p.name, names)
	if p.fault != nil {
		return
	}
	p.absorbChildren()
	p.placeCommand()
	kept := p.keys[:0:0]
	for _, e := range p.keys {
		fault := e.check()
		switch {
		case fault == "":
			kept = append(kept, e)
		case e.path == "command" || e.path == "listen":
			p.fault = fmt.Errorf("%s: %s", e.path, fault)
		default:
			p.gone = append(p.gone, remark{strings.Join(append(e.theirs, e.path+" = "+tomlValue(e.value)), ", "), "refused: " + fault})
		}
	}
	p.keys = kept
	p.dropOrphans()
	switch listen := p.text("listen"); {
	case p.fault != nil:
	case p.index("command") < 0:
		p.fault = errNoCommand
	case listen == "":
		p.fault = errors.New("no address to listen on is named")
	case addresses[listen] != "":
		p.fault = fmt.Errorf("it listens on %s, as %s does", listen, addresses[listen])
	default:
		addresses[listen] = p.origin
	}
}

// dropOrphans removes keys that are refused without another one.
func (p *pool) dropOrphans() {
	for key, needed := range map[string]string{"group": "user", "log.output": "log.file", "log.file": "log.output"} {
		i := p.index(key)
		if i >= 0 && p.index(needed) < 0 {
			p.gone = append(p.gone, remark{strings.Join(append(p.keys[i].theirs, key), ", "), "means nothing without " + needed})
			p.keys = slices.Delete(p.keys, i, i+1)
		}
	}
}

func unusedName(wanted string, taken map[string]bool) string {
	name := notInName.ReplaceAllString(notFirst.ReplaceAllString(wanted, ""), "-")
	name = name[:min(len(name), maxName)]
	if name == "" {
		name = "pool"
	}
	for i := 2; taken[name]; i++ {
		suffix := "-" + strconv.Itoa(i)
		base := strings.TrimSuffix(name, "-"+strconv.Itoa(i-1))
		name = base[:min(len(base), maxName-len(suffix))] + suffix
	}
	taken[name] = true
	return name
}

const phpChildren = "PHP_FCGI_CHILDREN"

// absorbChildren makes workers of PHP's own second level of processes: requests
// are lost when that ends.
func (p *pool) absorbChildren() {
	i := p.index("environment")
	if i < 0 {
		return
	}
	e := &p.keys[i]
	variables := e.value.(map[string]string)
	n, err := strconv.Atoi(variables[phpChildren])
	if err != nil || n < 0 {
		return
	}
	delete(variables, phpChildren)
	var theirs []string
	e.theirs = slices.DeleteFunc(e.theirs, func(text string) bool {
		mine := strings.Contains(text, phpChildren) || strings.HasPrefix(text, "-C ")
		if mine {
			theirs = append(theirs, text)
		}
		return mine
	})
	if len(variables) == 0 {
		p.keys = slices.Delete(p.keys, i, i+1)
	}
	if n == 0 {
		p.keep(strings.Join(theirs, ", "), "there is no second level of processes")
		return
	}
	procs := 1
	if j := p.index("processes"); j >= 0 {
		procs = p.keys[j].value.(int)
		theirs = append(slices.Clone(p.keys[j].theirs), theirs...)
	}
	p.set("processes", procs*n, strings.Join(theirs, ", "), "PHP's children become workers of the pool, without a php-cgi above them")
}

// placeCommand makes the program's path absolute. Theirs may be looked up at a
// start; ours must be known before.
func (p *pool) placeCommand() {
	i := p.index("command")
	if i < 0 {
		return
	}
	argv, _ := p.keys[i].value.([]string)
	if len(argv) == 0 || argv[0] == "" || filepath.IsAbs(argv[0]) {
		return
	}
	argv = slices.Clone(argv)
	given := argv[0]
	switch folder := p.text("directory"); {
	case strings.Contains(given, "/"):
		argv[0] = filepath.Join("/", folder, given)
		p.keys[i].why = fmt.Sprintf("%s is relative; it is taken as below the working directory", given)
	default:
		found, err := exec.LookPath(given)
		if err != nil || !filepath.IsAbs(found) {
			found = filepath.Join("/usr/bin", given)
			p.keys[i].why = fmt.Sprintf("%s is not on this machine, so its folder is a guess", given)
		}
		argv[0] = found
	}
	p.keys[i].value = argv
}

// check asks internal/config about one key; "": it is accepted.
func (e entry) check() string {
	flags := config.Flags{Command: []string{"/bin/true"}, Values: map[string][]string{"listen": {"unix:/run/x.sock"}, "runtime-dir": {"/run/x"}}}
	switch e.path {
	case "command":
		flags.Command, _ = e.value.([]string)
	case "group":
		flags.Values["user"] = []string{"root"}
	case "log.output":
		flags.Values["log-file"] = []string{"/x"}
	case "log.file":
		flags.Values["log-output"] = []string{config.OutputFile}
	}
	if e.path != "command" {
		flags.Values[flagName(e.path)] = e.typed()
	}
	_, err := config.FromFlags(flags)
	var mistakes config.Errors
	switch {
	case err == nil:
		return ""
	case errors.As(err, &mistakes):
		return mistakes[0].Text
	}
	return err.Error()
}

// flagName is the key as a flag of run.
func flagName(path string) string {
	if path == "environment" {
		return "env"
	}
	return strings.NewReplacer("limits.", "limit-", ".", "-", "_", "-").Replace(path)
}

// typed is the value as typed after that flag.
func (e entry) typed() []string {
	switch v := e.value.(type) {
	case []string:
		return v
	case map[string]string:
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, name+"="+v[name])
		}
		return pairs
	}
	return []string{fmt.Sprint(e.value)}
}
