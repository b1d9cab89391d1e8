package fastcgi

import "bytes"

const (
	maxLine   = 64 << 10 // a longer one is handed on in parts
	tailLines = 20
)

// lines cuts a stream into lines, hands each on and remembers the last ones.
type lines struct {
	each    func(line []byte) // nil: only remember; the slice is valid during the call
	tail    []string
	partial []byte
}

func (l *lines) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		room := min(len(p), maxLine-len(l.partial))
		end := bytes.IndexByte(p[:room], '\n')
		if end < 0 {
			l.partial = append(l.partial, p[:room]...)
			if p = p[room:]; len(l.partial) == maxLine {
				l.finish()
			}
			continue
		}
		l.partial = append(l.partial, p[:end]...)
		l.emit()
		p = p[end+1:]
	}
	return written, nil
}

// finish hands on a last line that has no end.
func (l *lines) finish() {
	if len(l.partial) > 0 {
		l.emit()
	}
}

func (l *lines) emit() {
	line := bytes.TrimSuffix(l.partial, []byte("\r"))
	if len(l.tail) == tailLines {
		l.tail = append(l.tail[:0], l.tail[1:]...)
	}
	l.tail = append(l.tail, string(line))
	if l.each != nil {
		l.each(line)
	}
	l.partial = l.partial[:0]
}
