package fastcgi

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

var errorPage = template.Must(template.New("error").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Status}} {{.Words}}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46em; margin: 3em auto; padding: 0 1em }
pre { background: #f4f4f4; color: #222; padding: 1em; overflow: auto; white-space: pre-wrap }
</style></head><body>
<h1>{{.Status}} {{.Words}}</h1>
<p>{{.Reason}}</p>
{{with .Advice}}<p><b>Try:</b> {{.}}</p>
{{end}}{{with .Stderr}}<p>The application wrote to its error stream:</p>
<pre>{{range .}}{{.}}
{{end}}</pre>
{{end}}</body></html>
`))

// errorText is what the page tells.
type errorText struct {
	Status                int
	Words, Reason, Advice string
	Stderr                []string
}

// WriteErrorPage tells the person at the browser, or at curl, why there is no
// answer and what to do about it. An err that is no *GatewayError is a 502.
func WriteErrorPage(w http.ResponseWriter, r *http.Request, err error) {
	text := errorText{Status: http.StatusBadGateway, Reason: err.Error(), Advice: Advice(err)}
	if failed, ok := errors.AsType[*GatewayError](err); ok {
		text.Status = cmp.Or(failed.Status, text.Status)
		text.Stderr = failed.Stderr
	}
	text.Words = http.StatusText(text.Status)
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(text.Status)
		_ = errorPage.Execute(w, text) // only the client's going away can fail it
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(text.Status)
	fmt.Fprintf(w, "%d %s: %s\n", text.Status, text.Words, text.Reason)
	if text.Advice != "" {
		fmt.Fprintf(w, "try: %s\n", text.Advice)
	}
	for _, line := range text.Stderr {
		fmt.Fprintf(w, "application: %s\n", line)
	}
}
