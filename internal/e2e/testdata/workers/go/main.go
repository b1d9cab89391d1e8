// Command go is the Go worker of the end-to-end tests; see the README beside it.
package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/fcgi"
	"os"
	"strconv"
	"time"
)

func main() {
	log.Fatal(fcgi.Serve(nil, http.HandlerFunc(answer)))
}

func answer(w http.ResponseWriter, r *http.Request) {
	pid := strconv.Itoa(os.Getpid())
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Pid", pid)
	switch r.URL.Path {
	case "/mirror":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			log.Print(err)
		}
		w.Write(body)
	case "/bytes":
		wanted := number(r, "n")
		w.Write(bytes.Repeat(block(), 1+wanted/256)[:wanted])
	case "/sleep":
		time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
		io.WriteString(w, "slept")
	case "/log":
		log.Print(r.URL.Query().Get("text"))
		io.WriteString(w, "logged")
	case "/grow":
		more := make([]byte, number(r, "mb")<<20)
		for i := range more {
			more[i] = 1
		}
		grown = append(grown, more)
	case "/unless":
		if _, err := os.Stat(r.URL.Query().Get("file")); err == nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	default:
		io.WriteString(w, pid)
	}
}

// grown is what it has been told to keep; nobody asks for that twice at once.
var grown [][]byte

func number(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		log.Print(err)
	}
	return n
}

func block() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}
