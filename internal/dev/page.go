package dev

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is a failure as the browser shows it.
type page struct {
	Status                int
	Title, Reason, Advice string
	Output                []string // of the workers
	Answer                string   // the application's own, HTML; "": there is none
	Version, VersionPath  string   // when another one comes, the page is asked for again
}

func (f *front) show(w http.ResponseWriter, r *http.Request, p page) {
	p.VersionPath = versionPath
	if status := f.supervisor.Snapshot().Pool(f.pool); status != nil {
		p.Version = version(status)
	}
	w.Header().Set("Cache-Control", "no-store")
	if wantsHTML(r) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(p.Status)
		_ = pageTemplate.Execute(w, p) // only the client's going away can fail it
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(p.Status)
	fmt.Fprintf(w, "%d %s: %s\n", p.Status, p.Title, p.Reason)
	for _, line := range p.Output {
		fmt.Fprintln(w, line)
	}
}
