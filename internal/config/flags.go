package config

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Flags are a pool, and the tables beside the pools, as typed on a command line.
type Flags struct {
	Values  map[string][]string // values by flag name, without dashes, as typed
	Command []string            // what stands after --
}

// FlagKind says what a flag takes.
type FlagKind string

// Kinds of flags. Lists may be given several times or with commas, pairs several
// times.
const (
	FlagString FlagKind = "string"
	FlagInt    FlagKind = "int"
	FlagBool   FlagKind = "bool"
	FlagList   FlagKind = "list"
	FlagPairs  FlagKind = "pairs"
)

// FlagInfo describes one flag of run.
type FlagInfo struct {
	Name    string // without dashes
	Kind    FlagKind
	Default string // as typed; empty if there is none or it depends
	Help    string

	Supervisor bool // it belongs to [supervisor] or [http], not to the pool
}

// flagKinds are the kinds of flags by the shape of their value.
var flagKinds = map[shape]FlagKind{
	shapeString: FlagString, shapeInteger: FlagInt, shapeBoolean: FlagBool, shapeList: FlagList, shapeTable: FlagPairs,
}

// nameFlag names the pool; it is no key, because in a file the table does that.
const nameFlag = "name"

// PoolFlags are the flags that FromFlags understands.
func PoolFlags() []FlagInfo {
	flags := []FlagInfo{{Name: nameFlag, Kind: FlagString, Help: "Name of the pool (default: the name of the program)."}}
	for _, k := range keys {
		if k.flagName() == "" || k.name == "command" {
			continue
		}
		help := strings.ReplaceAll(k.meaning, "`", "")
		if k.initial == "" && k.fallback != "none" && k.fallback != "required" {
			help += " (default: " + strings.ReplaceAll(k.fallback, "`", "") + ")"
		}
		flags = append(flags, FlagInfo{Name: k.flagName(), Kind: flagKinds[k.kind.shape], Default: k.initial, Help: help,
			Supervisor: k.table == tableSupervisor || k.table == tableHTTP})
	}
	return flags
}

// FromFlags makes a configuration of one pool. The error is Errors, whose
// places are flags.
func FromFlags(flags Flags) (Config, error) {
	var mistakes Errors
	supervisor := newDraft(tableSupervisor, Place{}, &mistakes)
	http := newDraft(tableHTTP, Place{}, &mistakes)
	pool := newDraft(tablePool, Place{}, &mistakes)
	pool.pool.Where = "command line"
	pool.pool.Name = poolNameOf(flags, &mistakes)
	for _, name := range slices.Sorted(maps.Keys(flags.Values)) {
		if values := flags.Values[name]; name != nameFlag && len(values) > 0 {
			setFlag(map[string]*draft{tableSupervisor: supervisor, tableHTTP: http}, pool, name, values)
		}
	}
	if len(flags.Command) > 0 {
		k := keyAt(tablePool, "command")
		pool.set(k, k.typed(Place{Flag: flagPlace(k)}, flags.Command...))
	}
	c := Config{Supervisor: supervisor.finishSupervisor(), HTTP: http.finishHTTP(nil), Pools: finishPools([]*draft{pool}, http, nil)}
	if err := mistakes.result(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// setFlag puts the values of one flag where they belong: in one of the tables, else
// in the pool.
func setFlag(tables map[string]*draft, pool *draft, name string, values []string) {
	at := Place{Flag: "--" + name}
	i := slices.IndexFunc(keys, func(k key) bool { return k.flagName() == name && k.name != "command" })
	if i < 0 {
		var names []string
		for _, f := range PoolFlags() {
			names = append(names, f.Name)
		}
		pool.mistakes.add(at, "unknown flag%s", didYouMean(name, names))
		return
	}
	k, d := keys[i], pool
	if own := tables[k.table]; own != nil {
		d = own
	}
	if len(values) > 1 && k.kind.shape != shapeList && k.kind.shape != shapeTable {
		d.mistakes.add(at, "given %d times; once is meant", len(values))
		values = values[:1]
	}
	if k.kind.shape == shapeList {
		values = strings.Split(strings.Join(values, ","), ",")
		values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
	}
	d.set(k, k.typed(at, values...))
}

// typed is the node of values as typed on a command line.
func (k key) typed(at Place, values ...string) *node {
	n := &node{name: k.name, key: at, value: at, shape: k.kind.shape}
	switch k.kind.shape {
	case shapeList:
		for _, value := range values {
			n.items = append(n.items, &node{key: at, value: at, text: value})
		}
	case shapeTable:
		for _, pair := range values {
			name, value, found := strings.Cut(pair, "=")
			if !found {
				n.shape, n.text = shapeString, pair
				return n
			}
			n.items = append(n.items, &node{name: name, key: at, value: at, text: value})
		}
	default:
		n.text = values[0]
		if k.kind.shape == shapeInteger && !digits.MatchString(n.text) ||
			k.kind.shape == shapeBoolean && n.text != "true" && n.text != "false" {
			n.shape = shapeString
		}
	}
	return n
}

// flagPlace is how a key is called in messages about flags.
func flagPlace(k key) string {
	if k.name == "command" {
		return "COMMAND"
	}
	return "--" + k.flagName()
}

var (
	nameStart  = regexp.MustCompile(`^[^A-Za-z0-9]+`)
	nameOthers = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
)

// poolNameOf is the name given, or one made of the program's.
func poolNameOf(flags Flags, mistakes *Errors) string {
	if given := flags.Values[nameFlag]; len(given) > 0 {
		name := given[len(given)-1]
		if !poolName.MatchString(name) {
			mistakes.add(Place{Flag: "--" + nameFlag}, "bad pool name %q: %s", name, poolNameRule)
		}
		return name
	}
	if len(flags.Command) == 0 {
		return "pool"
	}
	base := nameStart.ReplaceAllString(filepath.Base(flags.Command[0]), "")
	name := nameOthers.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), "-")
	name = name[:min(len(name), 64)]
	if name == "" {
		return "pool"
	}
	return name
}
