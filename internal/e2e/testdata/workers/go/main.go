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
	default:
		io.WriteString(w, pid)
	}
}

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
