package config

import (
	"regexp"
	"slices"
	"strings"
)

// poolName is what a pool may be called: it becomes part of file names, metric
// labels and command lines.
var poolName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

const poolNameRule = "want letters, digits, '.', '_' and '-', at most 64, the first a letter or digit"

// decodeFile puts what one file says into the loader's drafts.
func (l *loader) decodeFile(d *document) []*node {
	top := newDraft(tableTop, d.place(0), &l.mistakes)
	for _, n := range d.root.items {
		switch {
		case n.name == "supervisor" && l.isTable(n, n.name):
			if l.supervisor == nil {
				l.supervisor = newDraft(tableSupervisor, n.key, &l.mistakes)
			}
			l.decodeTable(l.supervisor, tableSupervisor, n.name, n)
		case n.name == "http" && l.isTable(n, n.name):
			if l.http == nil {
				l.http = newDraft(tableHTTP, n.key, &l.mistakes)
			}
			l.decodeTable(l.http, tableHTTP, n.name, n)
		case n.name == "pool" && l.isTable(n, n.name):
			for _, pool := range n.items {
				l.decodePool(pool)
			}
		case n.name == "supervisor" || n.name == "http" || n.name == "pool":
		default:
			l.decodeKey(top, tableTop, "", n)
		}
	}
	return top.include
}

// isTable complains if n is not a table.
func (l *loader) isTable(n *node, path string) bool {
	if n.shape != shapeTable {
		l.mistakes.add(n.value, "%s: want a table, found %s", path, n.describe())
	}
	return n.shape == shapeTable
}

// decodePool reads one pool. The second of a name is read for its own mistakes
// and then forgotten.
func (l *loader) decodePool(n *node) {
	if !l.isTable(n, "pool."+n.name) {
		return
	}
	if !poolName.MatchString(n.name) {
		l.mistakes.add(n.key, "bad pool name %q: %s", n.name, poolNameRule)
	}
	d := newDraft(tablePool, n.key, &l.mistakes)
	d.pool.Name, d.pool.Where = n.name, n.key.line()
	l.decodeTable(d, tablePool, "pool."+n.name, n)
	if first := l.pool(n.name); first != nil {
		if !n.repeated {
			l.mistakes.add(n.key, "pool %q is already defined at %s", n.name, first.pool.Where)
		}
		return
	}
	l.pools = append(l.pools, d)
}

func (l *loader) pool(name string) *draft {
	i := slices.IndexFunc(l.pools, func(d *draft) bool { return d.pool.Name == name })
	if i < 0 {
		return nil
	}
	return l.pools[i]
}

// decodeTable reads the keys of one table; shown is its name in this file.
func (l *loader) decodeTable(d *draft, table, shown string, n *node) {
	if n.repeated {
		// Its keys would all be set twice; that was said once, at the header.
		d = newDraft(d.table, d.header, d.mistakes)
	}
	for _, item := range n.items {
		if slices.Contains(tablesIn(table), item.name) {
			if l.isTable(item, item.name) {
				l.decodeTable(d, table+"."+item.name, shown+"."+item.name, item)
			}
			continue
		}
		l.decodeKey(d, table, shown, item)
	}
}

// decodeKey reads one key, or says that there is none of that name.
func (l *loader) decodeKey(d *draft, table, shown string, n *node) {
	known := keysOf(table)
	i := slices.IndexFunc(known, func(k key) bool { return k.name == n.name })
	switch {
	case i < 0:
		l.unknown(table, shown, n)
	case n.repeated:
	default:
		if first, set := d.places[known[i].path()]; set {
			l.mistakes.add(n.key, "%s is set twice; the first is at %s", n.name, first.line())
			return
		}
		d.set(known[i], n)
	}
}

// unknown suggests the nearest name in the same table, or the table in which
// the name would be right.
func (l *loader) unknown(table, shown string, n *node) {
	if n.isHeader() {
		name := strings.TrimPrefix(shown+"."+n.name, ".")
		guess, known := "", tablesIn(table)
		for _, k := range keysOf(table) {
			if k.kind.shape == shapeTable {
				known = append(known, k.name)
			}
		}
		if near := nearest(n.name, known); near != "" {
			guess = "; did you mean [" + strings.TrimPrefix(shown+"."+near, ".") + "]?"
		}
		l.mistakes.add(n.key, "unknown table [%s]%s", name, guess)
		return
	}
	in := " in [" + shown + "]"
	if table == tableTop {
		in = " outside of any table"
	}
	names := tablesIn(table)
	for _, k := range keysOf(table) {
		names = append(names, k.name)
	}
	l.mistakes.add(n.key, "unknown key %q%s%s", n.name, in, suggestion(table, n.name, names))
}

func suggestion(table, typed string, names []string) string {
	for _, k := range keys {
		if k.name == typed && k.table != table {
			if k.table == tableTop {
				return "; it belongs before the first table"
			}
			return "; it belongs in [" + k.table + "]"
		}
	}
	return didYouMean(typed, names)
}
