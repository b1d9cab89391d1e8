package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The dashboards as Grafana reads them: what its own types want (package
// @grafana/schema 13, with which they were checked by hand), and that they work in any
// Grafana, whatever it calls its Prometheus. Not covered: whether queries find something
// (e2e: TestPrometheus), how it looks.

type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct{ List []variable }
	Panels        []panel
	Links         []map[string]any
}

type variable struct {
	Name, Type string
	Query      json.RawMessage
	Datasource source
	Current    json.RawMessage
}

type source struct{ Type, UID string }

type panel struct {
	ID          int
	Type, Title string
	Datasource  source
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		RefID, Expr string
		Datasource  source
	}
	FieldConfig struct {
		Defaults struct{ Unit string }
	}
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob("dashboards/*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("dashboards %q (%v)", files, err)
	}
	all := map[string]dashboard{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = d
	}
	return all
}

// units are those of Grafana's list that our figures have.
// https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
var units = []string{"short", "s", "bytes", "percentunit", "cps", "cpm"}

func TestDashboards(t *testing.T) {
	uids := map[string]bool{}
	for file, d := range dashboards(t) {
		if d.UID == "" || len(d.UID) > 40 || uids[d.UID] || d.Title == "" || d.SchemaVersion < 36 {
			t.Errorf("%s: uid %q, title %q, schema %d", file, d.UID, d.Title, d.SchemaVersion)
		}
		uids[d.UID] = true
		for _, link := range d.Links {
			for _, key := range []string{"title", "type", "icon", "tooltip", "targetBlank"} {
				if link[key] == nil {
					t.Errorf("%s: a link has no %s", file, key)
				}
			}
		}
		known := map[string]bool{"__rate_interval": true}
		for _, v := range d.Templating.List {
			known[v.Name] = true
			checkVariable(t, file, v)
		}
		if !known["datasource"] || !known["instance"] {
			t.Errorf("%s: no variable datasource or instance: %v", file, known)
		}
		checkPanels(t, file, d.Panels, known)
	}
}

func checkVariable(t *testing.T, file string, v variable) {
	t.Helper()
	if v.Current != nil {
		t.Errorf("%s: %s has a value of somebody's Grafana", file, v.Name)
	}
	if v.Type == "datasource" {
		if string(v.Query) != `"prometheus"` {
			t.Errorf("%s: %s is of %s", file, v.Name, v.Query)
		}
		return
	}
	if v.Datasource != picked || !strings.Contains(string(v.Query), "label_values(") {
		t.Errorf("%s: %s asks %+v for %s", file, v.Name, v.Datasource, v.Query)
	}
}

// picked is the Prometheus that whoever looks has picked.
var picked = source{"prometheus", "${datasource}"}

func checkPanels(t *testing.T, file string, panels []panel, known map[string]bool) {
	t.Helper()
	taken := map[[2]int]string{}
	ids := map[int]bool{}
	for _, p := range panels {
		where := fmt.Sprintf("%s, %s", file, p.Title)
		if p.ID == 0 || ids[p.ID] || p.Title == "" || p.Datasource != picked || !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
			t.Errorf("%s: id %d, datasource %+v, unit %q", where, p.ID, p.Datasource, p.FieldConfig.Defaults.Unit)
		}
		ids[p.ID] = true
		at := p.GridPos
		if at.W < 1 || at.H < 1 || at.X < 0 || at.X+at.W > 24 { // Grafana has 24 columns
			t.Errorf("%s: at %+v", where, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies over %s", where, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", where)
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if target.RefID == "" || refs[target.RefID] || target.Datasource != picked {
				t.Errorf("%s: target %q asks %+v", where, target.RefID, target.Datasource)
			}
			refs[target.RefID] = true
			checkExpr(t, where, target.Expr, known)
		}
	}
}

// checkExpr: the query is about what was picked, and has no variable that is not there.
func checkExpr(t *testing.T, where, expr string, known map[string]bool) {
	t.Helper()
	if !strings.Contains(expr, `instance=~"$instance"`) || known["pool"] && !strings.Contains(expr, `pool=~"$pool"`) {
		t.Errorf("%s: not of what was picked: %s", where, expr)
	}
	for _, name := range variableName.FindAllStringSubmatch(expr, -1) {
		if !known[name[1]] {
			t.Errorf("%s: no variable %s", where, name[1])
		}
	}
	for _, name := range metricName.FindAllString(expr, -1) {
		if !metricKnown(t, name) {
			t.Errorf("%s: no metric %s", where, name)
		}
	}
}
