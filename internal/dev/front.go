package dev

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/fastcgi"
	"fcgi-supervisor/supervisor"
)

const (
	// versionPath is where a page that shows a failure asks whether it is over.
	versionPath = "/.fcgi-supervisor-dev"
	// outputPause is how long no line has to come before a page is made of them.
	outputPause = 100 * time.Millisecond
)

// front is the HTTP server of `dev`.
type front struct {
	gateway    *fastcgi.Gateway
	pool       string
	prefix     string
	supervisor *supervisor.Supervisor
	output     *output
	files      *os.Root // nil: none are sent
}

func newFront(o Options, p config.Pool, s *supervisor.Supervisor, out *output, files *os.Root) *front {
	f := &front{pool: p.Name, prefix: strings.TrimSuffix(o.Prefix, "/"), supervisor: s, output: out, files: files}
	f.gateway = &fastcgi.Gateway{Network: "unix", Address: p.Listen.Path, Prefix: f.prefix, Error: f.broken}
	return f
}

// ServeHTTP sends a file, or has the application answer, or says why it cannot.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == versionPath {
		f.serveVersion(w)
		return
	}
	if f.sendFile(w, r) {
		return
	}
	if fault := settled(r.Context(), f.supervisor, f.pool); fault != nil {
		f.show(w, r, page{Status: http.StatusInternalServerError, Title: "The application does not start", Reason: fault.text, Output: fault.output})
		return
	}
	before := f.output.end()
	held := &holder{ResponseWriter: w, hold: wantsHTML(r)}
	f.gateway.ServeHTTP(held, r)
	if held.status == 0 || !held.holding {
		return
	}
	f.show(w, r, page{Status: held.status, Title: http.StatusText(held.status), Reason: "The application answered this itself. What it wrote meanwhile stands above its answer.",
		Output: f.output.since(before, outputPause), Answer: held.text()})
}

func (f *front) serveVersion(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain")
	if p := f.supervisor.Snapshot().Pool(f.pool); p != nil {
		_, _ = w.Write([]byte(version(p)))
	}
}

// broken answers a request whose worker ended, or answered with nonsense.
func (f *front) broken(w http.ResponseWriter, r *http.Request, err error) {
	p := page{Status: http.StatusBadGateway, Title: "No answer", Reason: err.Error(), Advice: fastcgi.Advice(err)}
	if failed, ok := errors.AsType[*fastcgi.GatewayError](err); ok {
		p.Status = failed.Status
	}
	p.Output = f.output.since(0, outputPause)
	p.Output = p.Output[max(0, len(p.Output)-50):]
	if held, ok := w.(*holder); ok {
		w = held.ResponseWriter
	}
	f.show(w, r, p)
}

// sendFile sends what is below the folder of files; hidden ones are never sent,
// but for /.well-known (RFC 8615). os.Root lets nothing out of the folder.
func (f *front) sendFile(w http.ResponseWriter, r *http.Request) bool {
	rest, under := strings.CutPrefix(r.URL.Path, f.prefix)
	if f.files == nil || !under || r.Method != http.MethodGet && r.Method != http.MethodHead || !strings.HasPrefix(rest, "/") {
		return false
	}
	name := strings.TrimPrefix(path.Clean(rest), "/")
	if name == "" || strings.HasSuffix(rest, "/") || !fs.ValidPath(name) || strings.Contains(strings.TrimPrefix("/"+name, "/.well-known"), "/.") {
		return false
	}
	file, err := f.files.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	w.Header().Set("Cache-Control", "no-cache") // it may be saved at any moment
	http.ServeContent(w, r, info.Name(), info.ModTime(), file)
	return true
}

func wantsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// holder keeps back an answer that says the application failed, for a page with
// what it wrote. All others go through as they come.
type holder struct {
	http.ResponseWriter
	hold    bool // a person is looking
	holding bool
	status  int
	body    bytes.Buffer
}

// maxHeld bounds the answer that is shown again.
const maxHeld = 1 << 20

// Unwrap lets http.ResponseController through.
func (h *holder) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// Flush does nothing while an answer is kept back.
func (h *holder) Flush() {
	if !h.holding {
		_ = http.NewResponseController(h.ResponseWriter).Flush()
	}
}

func (h *holder) WriteHeader(status int) {
	h.status = status
	if h.hold && status >= http.StatusInternalServerError {
		h.holding = true
		for name := range h.Header() {
			h.Header().Del(name)
		}
		return
	}
	h.ResponseWriter.WriteHeader(status)
}

func (h *holder) Write(data []byte) (int, error) {
	if !h.holding {
		return h.ResponseWriter.Write(data)
	}
	h.body.Write(data[:min(len(data), max(0, maxHeld-h.body.Len()))])
	return len(data), nil
}

func (h *holder) text() string { return strings.ToValidUTF8(h.body.String(), "\ufffd") }
