package logs

// Not covered: how a pipe chunks its data; any chunking gives the same lines.

import (
	"bytes"
	"strings"
	"testing"
)

type emitted struct {
	lines   string
	partial bool
}

func cut(chunks ...string) []emitted {
	var got []emitted
	c := NewCutter(func(lines []byte, partial bool) {
		got = append(got, emitted{string(lines), partial})
	})
	for _, chunk := range chunks {
		_, _ = c.Write([]byte(chunk))
	}
	c.Flush()
	return got
}

func TestCutter(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	tests := []struct {
		name   string
		chunks []string
		want   []emitted
	}{
		{"nothing", nil, nil},
		{"whole lines are one block", []string{"a\nb\n\nc\n"}, []emitted{{"a\nb\n\nc\n", false}}},
		{"a line over three chunks", []string{"on", "e li", "ne\ntwo\n"}, []emitted{{"one line\n", false}, {"two\n", false}}},
		{"newline alone in its chunk", []string{"one", "\n"}, []emitted{{"one\n", false}}},
		{"unfinished last line", []string{"a\nb"}, []emitted{{"a\n", false}, {"b\n", false}}},
		{"binary", []string{"\x00\xff\xfe\n\x80"}, []emitted{{"\x00\xff\xfe\n", false}, {"\x80\n", false}}},
		{"as long as allowed", []string{long + "\n"}, []emitted{{long + "\n", false}}},
		{"as long as allowed, newline later", []string{long, "\n"}, []emitted{{long + "\n", false}}},
		{"as long as allowed, unfinished", []string{long}, []emitted{{long + "\n", false}}},
		{"one byte too long", []string{long + "y\nz\n"}, []emitted{
			{long + MarkContinues + "\n", true}, {MarkContinued + "y\n", false}, {"z\n", false},
		}},
		{"three pieces, the last unfinished", []string{"ab\n" + long, long + "y"}, []emitted{
			{"ab\n", false}, {long + MarkContinues + "\n", true},
			{MarkContinued + long + MarkContinues + "\n", true}, {MarkContinued + "y\n", false},
		}},
		{"two pieces, full", []string{long + long + "\n"}, []emitted{
			{long + MarkContinues + "\n", true}, {MarkContinued + long + "\n", false},
		}},
		{"large chunk of lines", []string{long[:40000] + "\n" + long[:40000] + "\n"}, []emitted{
			{long[:40000] + "\n" + long[:40000] + "\n", false},
		}},
		{"long line in a large chunk", []string{"a\n" + long + long[:1] + "\nb\n"}, []emitted{
			{"a\n", false}, {long + MarkContinues + "\n", true}, {MarkContinued + long[:1] + "\n", false}, {"b\n", false},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := cut(test.chunks...)
			if len(got) != len(test.want) {
				t.Fatalf("got %d blocks, want %d", len(got), len(test.want))
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Errorf("block %d: got %d bytes %.40q... partial=%v, want %d bytes %.40q... partial=%v", i,
						len(got[i].lines), got[i].lines, got[i].partial,
						len(test.want[i].lines), test.want[i].lines, test.want[i].partial)
				}
			}
		})
	}
}

func TestCutterLetsGoOfLongLines(t *testing.T) {
	c := NewCutter(func([]byte, bool) {})
	_, _ = c.Write(bytes.Repeat([]byte("x"), MaxLine/2))
	_, _ = c.Write(newline)
	if cap(c.rest) > restKept {
		t.Errorf("an idle cutter keeps %d bytes", cap(c.rest))
	}
}

// FuzzCutter: whatever the stream and its chunks, the blocks less the marks are
// the stream, every block ends with a newline, and no line is too long.
func FuzzCutter(f *testing.F) {
	f.Add([]byte("a\nb"), uint16(1), uint8(0))
	f.Add([]byte("\n\n\x00\xff"), uint16(3), uint8(1))
	f.Add([]byte("0123456789\nabc"), uint16(40000), uint8(200))
	f.Fuzz(func(t *testing.T, stream []byte, chunk uint16, stretch uint8) {
		// A byte repeated makes lines longer than a fuzzer would write.
		if len(stream) > 0 {
			middle := bytes.Repeat(stream[len(stream)/2:len(stream)/2+1], int(stretch)*1024)
			stream = append(append(stream[:len(stream)/2:len(stream)/2], middle...), stream[len(stream)/2:]...)
		}
		var got []byte
		continued := false
		c := NewCutter(func(lines []byte, partial bool) {
			if !bytes.HasSuffix(lines, newline) {
				t.Fatalf("block does not end with a newline: %q", lines)
			}
			if continued {
				var marked bool
				if lines, marked = bytes.CutPrefix(lines, []byte(MarkContinued)); !marked {
					t.Fatalf("piece is not marked: %.40q", lines)
				}
			}
			if continued = partial; partial {
				lines = bytes.TrimSuffix(lines, []byte(MarkContinues+"\n"))
			}
			for line := range bytes.Lines(lines) {
				if len(bytes.TrimSuffix(line, newline)) > MaxLine {
					t.Fatalf("line of %d bytes", len(line))
				}
			}
			got = append(got, lines...)
		})
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), int(chunk)+1)
			_, _ = c.Write(bytes.Clone(rest[:n]))
			rest = rest[n:]
		}
		c.Flush()
		want := stream
		if len(want) > 0 && want[len(want)-1] != '\n' {
			want = append(bytes.Clone(want), '\n')
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("got %d bytes, want %d", len(got), len(want))
		}
	})
}
