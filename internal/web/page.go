package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"

	"fcgi-supervisor/internal/share"
)

//go:embed page.html
var pageText string

//go:embed assets
var assets embed.FS

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// assetTypes are the files that the page loads.
var assetTypes = map[string]string{
	"style.css": "text/css; charset=utf-8",
	"page.js":   "text/javascript; charset=utf-8",
	"icon.svg":  "image/svg+xml",
}

// freshness is how old what is shown may be when it is shown to another one: so
// often the page is made at the most, however many watch it.
const freshness = 200 * time.Millisecond

// page is the status page.
type page struct {
	backend Backend
	drawn   share.Next[drawing]
	last    drawing       // written by who draws, one at a time
	places  chan struct{} // has as many elements as people watch
}

// drawing is the part of the page that changes, as it was at a moment.
type drawing struct {
	at   time.Time
	html []byte
	mood mood
	err  error
}

func newPage(b Backend) *page {
	return &page{backend: b, places: make(chan struct{}, maxWatchers)}
}

// draw draws the page anew unless that has just been done.
func (p *page) draw() drawing {
	return p.drawn.Do(func() drawing {
		if time.Since(p.last.at) >= freshness {
			p.last = p.drawNow()
		}
		return p.last
	})
}

func (p *page) drawNow() drawing {
	status := p.backend.Status("")
	now := time.Now()
	events, _ := p.backend.Supervisor.Events(0)
	v := newView(status, p.backend.History, events, now)
	var html bytes.Buffer
	err := pageTemplate.ExecuteTemplate(&html, "changing", v)
	return drawing{at: now, html: oneKindOfLineEnd(html.Bytes()), mood: v.Mood, err: err}
}

// oneKindOfLineEnd writes line ends as HTML reads them. A lone carriage return, which
// the output of a worker may hold, ends a line of an event stream too: what follows
// would be taken for a field of it.
func oneKindOfLineEnd(html []byte) []byte {
	html = bytes.ReplaceAll(html, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(html, []byte("\r"), []byte("\n"))
}

func (p *page) serve(w http.ResponseWriter, _ *http.Request) {
	drawn := p.draw()
	if drawn.err != nil {
		http.Error(w, "cannot draw the page: "+drawn.err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = pageTemplate.ExecuteTemplate(w, "page", map[string]any{"Mood": drawn.mood, "Main": template.HTML(drawn.html)})
}

func (p *page) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	kind, known := assetTypes[name]
	if !known {
		http.NotFound(w, r)
		return
	}
	text, err := assets.ReadFile("assets/" + name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(text)
}
