// Command params is a FastCGI application that tells what it was sent, parameter
// by parameter, also those that came twice, which no library shows. It serves one
// connection at a time, as most FastCGI programs do, and knows nothing but what
// the tests need.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Types of records (FastCGI specification, section 8).
const (
	typeBegin, typeEnd, typeParams, typeStdin, typeStdout = 1, 3, 4, 5, 6
)

// seen is what a request was; []byte is base64 in JSON, so nothing is lost.
type seen struct {
	Params [][2][]byte
	Bytes  int
	Sum    []byte
	Keep   bool // the web server wants to keep the connection (FCGI_KEEP_CONN)
}

func main() {
	for {
		fd, _, err := syscall.Accept(0)
		if errors.Is(err, syscall.EINTR) || errors.Is(err, syscall.ECONNABORTED) {
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		connection := os.NewFile(uintptr(fd), "connection")
		if err := serve(connection); err != nil && !errors.Is(err, io.EOF) {
			log.Print(err)
		}
		connection.Close()
	}
}

// serve answers one request and closes: a web server that wants to keep the
// connection has to bear that.
func serve(connection *os.File) error {
	var params, body []byte
	keep := false
	for {
		kind, content, err := readRecord(connection)
		if err != nil {
			return err
		}
		switch kind {
		case typeBegin:
			keep = len(content) > 2 && content[2]&1 != 0
		case typeParams:
			params = append(params, content...)
		case typeStdin:
			body = append(body, content...)
			if len(content) == 0 {
				return answer(connection, seen{pairs(params), len(body), sum(body), keep})
			}
		}
	}
}

func sum(body []byte) []byte {
	s := sha256.Sum256(body)
	return s[:]
}

func readRecord(from io.Reader) (kind byte, content []byte, err error) {
	var header [8]byte
	if _, err := io.ReadFull(from, header[:]); err != nil {
		return 0, nil, err
	}
	length, padding := int(binary.BigEndian.Uint16(header[4:])), int(header[6])
	content = make([]byte, length+padding)
	_, err = io.ReadFull(from, content)
	return header[1], content[:length], err
}

func pairs(data []byte) (list [][2][]byte) {
	for len(data) > 0 {
		var name, value int
		name, data = length(data)
		value, data = length(data)
		list = append(list, [2][]byte{data[:name], data[name : name+value]})
		data = data[name+value:]
	}
	return list
}

func length(data []byte) (int, []byte) {
	if data[0] < 128 {
		return int(data[0]), data[1:]
	}
	return int(binary.BigEndian.Uint32(data) & 0x7fffffff), data[4:]
}

// answer puts everything into a header when there may be no body.
func answer(connection *os.File, s seen) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	method, query := s.last("REQUEST_METHOD"), s.last("QUERY_STRING")
	out := fmt.Sprintf("Content-Type: application/json\r\nX-Pid: %d\r\n", os.Getpid())
	var size int
	if _, err := fmt.Sscanf(query, "header=%d", &size); err == nil {
		out += strings.Repeat("X-Large: "+strings.Repeat("x", size)+"\r\n", 3)
	}
	if query == "parts" {
		if err := writeRecord(connection, typeStdout, []byte(out)); err != nil {
			return err
		}
		waitUntilRead(connection)
		out = "X-Rest: 1\r\n"
	}
	if method == "HEAD" {
		out += "X-Seen: " + base64.StdEncoding.EncodeToString(text) + "\r\n\r\n"
	} else {
		out += "\r\n" + string(text)
	}
	for len(out) > 0 {
		part := out[:min(len(out), 65000)]
		out = out[len(part):]
		if err := writeRecord(connection, typeStdout, []byte(part)); err != nil {
			return err
		}
	}
	if err := writeRecord(connection, typeStdout, nil); err != nil {
		return err
	}
	return writeRecord(connection, typeEnd, make([]byte, 8))
}

func (s seen) last(name string) (value string) {
	for _, p := range s.Params {
		if string(p[0]) == name {
			value = string(p[1])
		}
	}
	return value
}

// waitUntilRead returns when nothing is left that the web server has not read
// (SIOCOUTQ, unix(7)).
func waitUntilRead(connection *os.File) {
	for {
		left, err := unix.IoctlGetInt(int(connection.Fd()), unix.SIOCOUTQ)
		if err != nil || left == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// writeRecord uses request id 1, as all web servers here do.
func writeRecord(to io.Writer, kind byte, content []byte) error {
	header := []byte{1, kind, 0, 1, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(header[4:], uint16(len(content)))
	_, err := to.Write(append(header, content...))
	return err
}
