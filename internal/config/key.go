package config

import "strings"

// Tables of the configuration, as headers show them.
const (
	tableTop        = ""
	tableSupervisor = "supervisor"
	tableHTTP       = "http"
	tablePool       = "pool.NAME"
	tableRestart    = "pool.NAME.restart"
	tableProbe      = "pool.NAME.probe"
	tableWatch      = "pool.NAME.watch"
	tableLog        = "pool.NAME.log"
	tableLimits     = "pool.NAME.limits"
)

// tables are in the order of the reference page.
var tables = []struct{ name, meaning string }{
	{tableTop, "Keys at the top of a file, before the first table."},
	{tableSupervisor, "The supervisor itself."},
	{tableHTTP, "Health, metrics and the status page by HTTP: `/livez`, `/readyz`, `/metrics`, `/api/v1/pools` and `/`. Nothing there changes anything. Without this table nobody listens."},
	{tablePool, "One application. NAME is made of letters, digits, `.`, `_` and `-`, begins with a letter or digit and has at most 64 characters."},
	{tableRestart, "What happens when workers end before they were ready. A worker that was ready is replaced at once."},
	{tableProbe, "A real FastCGI request that tells whether the application works: of a new generation before clients reach it, then every `interval`. Without a `path` there is none."},
	{tableWatch, "Files that the pool is reloaded for when they change. Without `paths` there are none."},
	{tableLog, "Where the output of the pool's workers goes."},
	{tableLimits, "Limits of each worker. What is not given is inherited from the supervisor."},
}

// key is one key of the configuration: all that anybody knows about it.
type key struct {
	table    string
	name     string
	flag     string // only where it is not made from table and name
	kind     kind
	choices  []string
	initial  string // the default, as typed
	fallback string // the default in words, where it is no fixed value
	meaning  string
	store    store
}

// path is the name of the key within its pool, or within its table if that is no
// pool's, as in "log.file".
func (k key) path() string {
	if _, sub, ok := strings.Cut(k.table, "NAME."); ok {
		return sub + "." + k.name
	}
	return k.name
}

// flagName is the key as a flag of run, without the dashes in front.
func (k key) flagName() string {
	switch {
	case k.flag != "":
		return k.flag
	case k.table == tableTop:
		return ""
	}
	name := strings.ReplaceAll(k.path(), "limits.", "limit.")
	return strings.NewReplacer(".", "-", "_", "-").Replace(name)
}

// initials are the values of initial: several, with commas between, in a list.
func (k key) initials() []string {
	if k.kind.shape == shapeList {
		return strings.Split(k.initial, ",")
	}
	return []string{k.initial}
}

// keysOf are the keys of one table.
func keysOf(table string) []key {
	var found []key
	for _, k := range keys {
		if k.table == table {
			found = append(found, k)
		}
	}
	return found
}

// tablesIn are the names of the tables directly within a table.
func tablesIn(table string) []string {
	var found []string
	for _, t := range tables {
		if name, ok := within(table, t.name); ok {
			found = append(found, name)
		}
	}
	return found
}

// within is the last part of sub if it lies directly within table.
func within(table, sub string) (string, bool) {
	if table == tableTop {
		name, _, nested := strings.Cut(sub, ".")
		return name, name != "" && (!nested || sub == tablePool)
	}
	name, ok := strings.CutPrefix(sub, table+".")
	return name, ok && !strings.Contains(name, ".")
}
