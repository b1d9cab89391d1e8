package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// draft is a pool, or one of the tables beside the pools, while it is being read.
type draft struct {
	supervisor Supervisor
	http       HTTP
	pool       Pool
	include    []*node

	table    string           // tablePool, tableSupervisor or tableHTTP
	header   Place            // of the table; for flags, the zero Place
	places   map[string]Place // of the value of each key that was given
	wrong    map[string]bool  // keys that were given and kept their default
	mistakes *Errors
}

// newDraft has the defaults of a table and of the tables within it.
func newDraft(table string, header Place, mistakes *Errors) *draft {
	d := &draft{table: table, header: header, mistakes: mistakes, places: map[string]Place{}, wrong: map[string]bool{}}
	for _, k := range keys {
		if k.initial != "" {
			k.store(d, k.typed(Place{}, k.initials()...), d.complainer(""))
		}
	}
	return d
}

// set reads the value of one key.
func (d *draft) set(k key, n *node) {
	d.places[k.path()] = n.value
	note := d.complainer(k.name)
	complain := func(at Place, format string, args ...any) {
		d.wrong[k.path()] = true
		note(at, format, args...)
	}
	if k.kind.accepts(n, complain) {
		k.store(d, n, complain)
	}
}

// complainer notes mistakes of one key. A flag is its own name; in a file the
// key stands before the message.
func (d *draft) complainer(name string) complainer {
	return func(at Place, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		if at.Flag == "" {
			text = name + ": " + text
		}
		d.mistakes.add(at, "%s", text)
	}
}

// complain notes a mistake about a key that may not have been given.
func (d *draft) complain(path, format string, args ...any) {
	k := keyAt(d.table, path)
	at, given := d.places[path]
	switch {
	case given:
	case d.header.Line > 0:
		at = d.header
	default:
		at = Place{Flag: flagPlace(k)}
	}
	d.complainer(k.name)(at, format, args...)
}

func (d *draft) given(path string) bool {
	_, ok := d.places[path]
	return ok
}

// finishPool fills in what follows from other keys and checks what only several
// keys together tell. In a damaged file the key that seems to be missing may stand
// in what was skipped.
func (d *draft) finishPool(damaged bool) Pool {
	p := &d.pool
	if !damaged {
		d.require("command")
		d.require("listen")
		d.checkTogether()
	}
	if p.Directory == "" && len(p.Command) > 0 {
		p.Directory = filepath.Dir(p.Command[0])
	}
	if p.ListenOwner == "" {
		p.ListenOwner = p.User
	}
	if p.ListenGroup == "" {
		p.ListenGroup = p.Group
	}
	p.places = d.places
	return *p
}

func (d *draft) require(path string) {
	if d.given(path) {
		return
	}
	if d.header.Line > 0 {
		d.mistakes.add(d.header, "missing key %q in [pool.%s]", path, d.pool.Name)
		return
	}
	hint := ""
	if path == "command" {
		hint = "; write it after --"
	}
	d.complain(path, "missing%s", hint)
}

// checkTogether checks keys against each other.
func (d *draft) checkTogether() {
	p := &d.pool
	if p.Group != "" && p.User == "" && !d.given("user") {
		d.complain("group", "is set without user; set user too")
	}
	if p.SupplementaryGroups != nil && p.User == "" && !d.given("user") {
		d.complain("supplementary_groups", "is set without user; set user too")
	}
	if p.Restart.Delay > p.Restart.DelayMax && !d.wrong["restart.delay"] && !d.wrong["restart.delay_max"] {
		at := "restart.delay"
		if !d.given(at) {
			at = "restart.delay_max"
		}
		d.complain(at, "the delay of %s is longer than the delay_max of %s", p.Restart.Delay, p.Restart.DelayMax)
	}
	if p.Reload == ReloadSwap && !p.Listen.Swappable() && !d.wrong["listen"] && d.given("listen") {
		d.complain("reload", "swap needs a second socket at the address (listen = \"unix:/PATH\" or \"tcp:HOST:PORT\"), not %s; use \"rolling\"", p.Listen)
	}
	if p.Log.Output == OutputFile && p.Log.File == "" && !d.wrong["log.file"] {
		d.complain("log.output", `is "file", but no file is named; set log.file`)
	}
	if p.Log.Output != OutputFile && p.Log.File != "" && !d.wrong["log.output"] {
		d.complain("log.file", `is set, but output is not "file"; set log.output`)
	}
}

// checkAddresses finds pools that want the same address.
func checkAddresses(drafts []*draft, http *draft) {
	for i, d := range drafts {
		if http != nil && d.pool.Listen.Kind != "" && d.pool.Listen.Same(http.http.Listen) {
			http.complain("listen", "%s is taken by pool %q (%s)", http.http.Listen, d.pool.Name, d.places["listen"].line())
		}
		for _, other := range drafts[:i] {
			a, b := d.pool.Listen, other.pool.Listen
			if a.Kind != "" && a.Same(b) {
				d.complain("listen", "%s is taken by pool %q (%s)", a, other.pool.Name, other.places["listen"].line())
				break
			}
		}
	}
}

// keyAt finds a key by its path within a pool or within a table of its own.
func keyAt(table, path string) key {
	for _, k := range keys {
		if k.path() == path && (k.table == table || strings.HasPrefix(k.table, table+".")) {
			return k
		}
	}
	panic("no key " + path) // a slip in this package, found by its first test
}

// finishPools sorts the pools by name, having compared their addresses in the
// order in which they were written. http may be nil.
func finishPools(drafts []*draft, http *draft, damaged map[string]bool) []Pool {
	checkAddresses(drafts, http)
	pools := map[string]Pool{}
	for _, d := range drafts {
		pools[d.pool.Name] = d.finishPool(damaged[d.header.File])
	}
	sorted := make([]Pool, 0, len(pools))
	for _, name := range slices.Sorted(maps.Keys(pools)) {
		sorted = append(sorted, pools[name])
	}
	return sorted
}
