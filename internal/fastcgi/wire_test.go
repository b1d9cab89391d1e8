package fastcgi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// Not covered: lengths near 2 GiB, which need as much memory.

func TestRecordBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"begin", appendBeginRequest(nil, false), "\x01\x01\x00\x01\x00\x08\x00\x00" + "\x00\x01\x00\x00\x00\x00\x00\x00"},
		{"begin, keep", appendBeginRequest(nil, true), "\x01\x01\x00\x01\x00\x08\x00\x00" + "\x00\x01\x01\x00\x00\x00\x00\x00"},
		{"empty", appendRecord(nil, typeStdin, nil), "\x01\x05\x00\x01\x00\x00\x00\x00"},
		{"padded", appendRecord(nil, typeStdin, []byte("abc")), "\x01\x05\x00\x01\x00\x03\x05\x00" + "abc\x00\x00\x00\x00\x00"},
		{"aligned", appendRecord(nil, typeStdin, []byte("abcdefgh")), "\x01\x05\x00\x01\x00\x08\x00\x00" + "abcdefgh"},
	} {
		if string(c.got) != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestParamBytes(t *testing.T) {
	long, longest := strings.Repeat("x", 127), strings.Repeat("y", 128)
	for _, c := range []struct {
		param Param
		want  string
	}{
		{Param{"", ""}, "\x00\x00"},
		{Param{"A", ""}, "\x01\x00A"},
		{Param{"A", "bc"}, "\x01\x02Abc"},
		{Param{"A", long}, "\x01\x7fA" + long},
		{Param{"A", longest}, "\x01\x80\x00\x00\x80A" + longest},
		{Param{longest, "b"}, "\x80\x00\x00\x80\x01" + longest + "b"},
	} {
		wire := appendParam(nil, c.param)
		if string(wire) != c.want {
			t.Errorf("%.20v: %q, want %q", c.param, wire, c.want)
		}
		if back, err := decodeParams(wire); err != nil || !slices.Equal(back, []Param{c.param}) {
			t.Errorf("%.20v: decoded as %.20v, %v", c.param, back, err)
		}
	}
}

func TestDecodeParamsRefuses(t *testing.T) {
	for _, stream := range []string{
		"\x01",                             // no second length
		"\x80\x00\x00",                     // half a length
		"\x01\x01A",                        // value missing
		"\x05\x00A",                        // name too long
		"\xff\xff\xff\xff\xff\xff\xff\xff", // 2 GiB each, nothing there
		"\x00\xff\xff\xff\xff",             // 2 GiB value
		"\x01\x01Ab\x01",                   // a good one, then half a one
	} {
		if params, err := decodeParams([]byte(stream)); !errors.Is(err, errShortPair) {
			t.Errorf("%q: decoded as %v, %v", stream, params, err)
		}
	}
}

// php-cgi parses each PARAMS record by itself.
func TestParamsStreamKeepsPairsWhole(t *testing.T) {
	params := []Param{
		{"A", strings.Repeat("a", 40000)},
		{"B", strings.Repeat("b", 40000)},
		{"C", "c"},
	}
	wire, err := appendParamsStream(nil, params)
	if err != nil {
		t.Fatal(err)
	}
	var got []Param
	for from, closed := bytes.NewReader(wire), false; from.Len() > 0; {
		h, content, err := readRecord(from)
		if err != nil || h.kind != typeParams || closed {
			t.Fatalf("record %+v after the end: %v, %v", h, closed, err)
		}
		pairs, err := decodeParams(content)
		if err != nil {
			t.Fatalf("a record does not hold whole pairs: %v", err)
		}
		got, closed = append(got, pairs...), len(content) == 0
	}
	if !slices.Equal(got, params) {
		t.Errorf("sent %d parameters, arrived %d", len(params), len(got))
	}
}

func TestParamsStreamCutsWhatFitsNoRecord(t *testing.T) {
	params := []Param{{"A", "a"}, {"B", strings.Repeat("b", 200000)}, {"C", "c"}}
	wire, err := appendParamsStream(nil, params)
	if err != nil {
		t.Fatal(err)
	}
	var stream []byte
	for from := bytes.NewReader(wire); from.Len() > 0; {
		_, content, err := readRecord(from)
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, content...)
	}
	if got, err := decodeParams(stream); err != nil || !slices.Equal(got, params) {
		t.Errorf("%d parameters arrived, want 3; %v", len(got), err)
	}
}

func TestStatusWords(t *testing.T) {
	for want, end := range map[string]EndRequest{
		"END_REQUEST: app status 255":                   {255, RequestComplete},
		"END_REQUEST: CANT_MPX_CONN, app status 0":      {0, CantMultiplex},
		"END_REQUEST: OVERLOADED, app status 1":         {1, Overloaded},
		"END_REQUEST: UNKNOWN_ROLE, app status 0":       {0, UnknownRole},
		"END_REQUEST: protocol status 99, app status 0": {0, 99},
	} {
		if got := end.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func readAnswer(wire []byte) (*answer, []byte, error) {
	a := &answer{ctx: context.Background(), from: bufio.NewReader(bytes.NewReader(wire))}
	text, err := io.ReadAll(a)
	return a, text, err
}

func FuzzAnswer(f *testing.F) {
	f.Add(slices.Concat(stdout("Status: 200\n\nhello"), stderr("oops"), stdout(""), end(0, RequestComplete)))
	f.Add(slices.Concat(stdout("a"), end(1, Overloaded), stdout("b")))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Add([]byte("\x01\x06\x00\x01\xff\xff\xff\x00abc"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		a, text, err := readAnswer(wire)
		if len(text) > len(wire) {
			t.Errorf("%d bytes made of %d", len(text), len(wire))
		}
		if err == nil && a.end == nil && !a.stdoutEnded {
			t.Error("an answer without an end was taken for whole")
		}
		if _, again := a.Read(make([]byte, 1)); (again == io.EOF) != (err == nil) {
			t.Errorf("after %v a second Read returned %v", err, again)
		}
	})
}

func FuzzDecodeParams(f *testing.F) {
	f.Add([]byte("\x01\x02Abc"))
	f.Add([]byte("\x80\x00\x00\x01\x80\x00\x00\x01Ab"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		params, err := decodeParams(stream)
		var wire []byte
		for _, p := range params {
			wire = appendParam(wire, p)
		}
		if err == nil && len(wire) > len(stream) {
			t.Errorf("%d bytes decoded to pairs of %d", len(stream), len(wire))
		}
		if back, err := decodeParams(wire); err != nil || !slices.Equal(back, params) {
			t.Errorf("%v became %v, %v", params, back, err)
		}
	})
}
