package fastcgi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Not covered: lines of several requests at once; each has its own.

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct {
		writes, want []string
	}{
		{[]string{"a\nb\r\nc"}, []string{"a", "b", "c"}},
		{[]string{"a", "b\n", "", "\n"}, []string{"ab", ""}},
		{[]string{long + "y\n"}, []string{long, "y"}},
		{[]string{long[1:] + "\nz\n"}, []string{long[1:], "z"}},
		{nil, nil},
	} {
		var got []string
		l := &lines{each: func(line []byte) { got = append(got, string(line)) }}
		for _, text := range c.writes {
			if n, err := l.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("wrote %d of %d: %v", n, len(text), err)
			}
		}
		l.finish()
		l.finish() // nothing is said twice
		if !slices.Equal(got, c.want) || !slices.Equal(l.tail, c.want) {
			t.Errorf("%.40q: %.40q, tail %.40q", c.writes, got, l.tail)
		}
	}
}

func TestLinesRemembersTheLast(t *testing.T) {
	l := &lines{}
	for i := range 3 * tailLines {
		fmt.Fprintln(l, i)
	}
	if len(l.tail) != tailLines || l.tail[tailLines-1] != fmt.Sprint(3*tailLines-1) || l.tail[0] != fmt.Sprint(2*tailLines) {
		t.Errorf("%q", l.tail)
	}
}
