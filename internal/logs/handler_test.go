package logs

// Not covered: how journald and real terminals show the lines.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"golang.org/x/sys/unix"
)

const levelAll = slog.LevelDebug

var goldenTime = time.Date(2026, 11, 22, 9, 31, 7, 120e6, time.UTC)

// goldenLines writes one line of each kind.
func goldenLines(t *testing.T, l look) string {
	t.Helper()
	var out bytes.Buffer
	write := func(lines []byte) { out.Write(lines) }
	h := newHandler(l, levelAll, write, write)
	record := func(level slog.Level, message string, attrs ...slog.Attr) {
		r := slog.NewRecord(goldenTime, level, message, 0)
		r.AddAttrs(attrs...)
		if err := h.Handle(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	record(slog.LevelInfo, "control socket open", slog.String("path", "/run/x y"))
	record(slog.LevelWarn, "killed by SIGSEGV after 3m2s; replaced", slog.Any("err", errors.New("no luck")),
		slog.Int("gen", 2), slog.Int("pid", 4711), slog.Int("worker", 3), slog.String("pool", "blog"))
	record(slog.LevelError, "bad\n\x1b[2J", slog.String("pool", "b\ng"), slog.Duration("after", 90*time.Second),
		slog.Group("peer", slog.Int("uid", 0), slog.String("name", "\x1b]0;x\a\n")))
	record(slog.LevelDebug, "look", slog.String("pool", "a-pool-with-a-long-name"), slog.Bool("ready", true), slog.Float64("x", 0.5))
	h.Output(Block{At: goldenTime, Pool: "blog", Slot: 3, PID: 4711,
		Bytes: []byte("Traceback:\n\tà \x1b[31m\xff\x00\"\\\u0085\r\n\n")})
	return out.String()
}

func TestGoldenFormats(t *testing.T) {
	esc := func(s string) string { return strings.ReplaceAll(s, "^", "\x1b") }
	tests := []struct {
		name string
		look look
		want string
	}{
		{"text", look{format: Text}, `2026-11-22T09:31:07.120Z INFO  supervisor      control socket open path="/run/x y"
2026-11-22T09:31:07.120Z WARN  blog/3[4711]    killed by SIGSEGV after 3m2s; replaced gen=2 err="no luck"
2026-11-22T09:31:07.120Z ERROR b\x0ag          bad\x0a\x1b[2J after=1m30s peer.uid=0 peer.name="\x1b]0;x\a\n"
2026-11-22T09:31:07.120Z DEBUG a-pool-with-a-long-name  look ready=true x=0.5
2026-11-22T09:31:07.120Z OUT   blog/3[4711]             | Traceback:
2026-11-22T09:31:07.120Z OUT   blog/3[4711]             | ` + "\tà \x1b[31m\xff\x00\"\\\u0085\r" + `
2026-11-22T09:31:07.120Z OUT   blog/3[4711]             | 
`},
		{"terminal without colours", look{format: Text, terminal: true}, `09:31:07 INFO  supervisor      control socket open path="/run/x y"
09:31:07 WARN  blog/3[4711]    killed by SIGSEGV after 3m2s; replaced gen=2 err="no luck"
09:31:07 ERROR b\x0ag          bad\x0a\x1b[2J after=1m30s peer.uid=0 peer.name="\x1b]0;x\a\n"
09:31:07 DEBUG a-pool-with-a-long-name  look ready=true x=0.5
09:31:07 OUT   blog/3[4711]             | Traceback:
09:31:07 OUT   blog/3[4711]             | ` + "\tà " + `\x1b[31m\xff\x00"\\xc2\x85\x0d
09:31:07 OUT   blog/3[4711]             | 
`},
		{"terminal", look{format: Text, terminal: true, colour: true}, esc(`^[90m09:31:07^[0m ^[32mINFO ^[0m supervisor      control socket open ^[90mpath=^[0m"/run/x y"
^[90m09:31:07^[0m ^[33mWARN ^[0m blog/3[4711]    killed by SIGSEGV after 3m2s; replaced ^[90mgen=^[0m2 ^[90merr=^[0m"no luck"
^[90m09:31:07^[0m ^[31mERROR^[0m b\x0ag          bad\x0a\x1b[2J ^[90mafter=^[0m1m30s ^[90mpeer.uid=^[0m0 ^[90mpeer.name=^[0m"\x1b]0;x\a\n"
^[90m09:31:07^[0m ^[90mDEBUG^[0m a-pool-with-a-long-name  look ^[90mready=^[0mtrue ^[90mx=^[0m0.5
^[90m09:31:07^[0m ^[90mOUT  ^[0m blog/3[4711]             | Traceback:
^[90m09:31:07^[0m ^[90mOUT  ^[0m blog/3[4711]             | `) + "\tà " + `\x1b[31m\xff\x00"\\xc2\x85\x0d` +
			esc("\n^[90m09:31:07^[0m ^[90mOUT  ^[0m blog/3[4711]             | \n")},
		{"journal", look{format: Journal}, `<6>control socket open path="/run/x y"
<4>blog/3[4711] killed by SIGSEGV after 3m2s; replaced gen=2 err="no luck"
<3>b\x0ag bad\x0a\x1b[2J after=1m30s peer.uid=0 peer.name="\x1b]0;x\a\n"
<7>a-pool-with-a-long-name look ready=true x=0.5
<6>blog/3[4711] Traceback:
<6>blog/3[4711] ` + "\tà \x1b[31m\xff" + `\x00` + "\"\\\u0085\r" + `
<6>blog/3[4711] 
`},
		{"json", look{format: JSON}, `{"time":"2026-11-22T09:31:07.12Z","level":"INFO","msg":"control socket open","path":"/run/x y"}
{"time":"2026-11-22T09:31:07.12Z","level":"WARN","msg":"killed by SIGSEGV after 3m2s; replaced","pool":"blog","worker":3,"pid":4711,"gen":2,"err":"no luck"}
{"time":"2026-11-22T09:31:07.12Z","level":"ERROR","msg":"bad\n\u001b[2J","pool":"b\ng","after":"1m30s","peer.uid":0,"peer.name":"\u001b]0;x\u0007\n"}
{"time":"2026-11-22T09:31:07.12Z","level":"DEBUG","msg":"look","pool":"a-pool-with-a-long-name","ready":true,"x":0.5}
{"time":"2026-11-22T09:31:07.12Z","level":"OUTPUT","msg":"Traceback:","pool":"blog","worker":3,"pid":4711}
{"time":"2026-11-22T09:31:07.12Z","level":"OUTPUT","msg":"\tà \u001b[31m\ufffd\u0000\"\\\u0085\r","pool":"blog","worker":3,"pid":4711}
{"time":"2026-11-22T09:31:07.12Z","level":"OUTPUT","msg":"","pool":"blog","worker":3,"pid":4711}
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := goldenLines(t, test.look)
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s\ngot %q\nwant %q", got, test.want, got, test.want)
			}
		})
	}
}

// slogtest knows what a slog.Handler must do.
func TestHandlerKeepsSlogRules(t *testing.T) {
	var out bytes.Buffer
	h := NewHandler(&out, JSON, levelAll)
	err := slogtest.TestHandler(h, func() []map[string]any {
		var results []map[string]any
		for line := range bytes.Lines(out.Bytes()) {
			var flat map[string]any
			if err := json.Unmarshal(line, &flat); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			results = append(results, nest(flat))
		}
		return results
	})
	if err != nil {
		t.Error(err)
	}
}

// nest makes {"a":{"b":1}} of {"a.b":1}.
func nest(flat map[string]any) map[string]any {
	nested := map[string]any{}
	for key, value := range flat {
		m := nested
		names := strings.Split(key, ".")
		for _, name := range names[:len(names)-1] {
			if m[name] == nil {
				m[name] = map[string]any{}
			}
			m = m[name].(map[string]any)
		}
		m[names[len(names)-1]] = value
	}
	return nested
}

func TestWithKeepsTheOrderOfAttributes(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NewHandler(&out, Journal, slog.LevelInfo)).With("why", "x", "gen", 7).With("pool", "blog")
	log.Debug("not shown")
	log.Info("ready", "err", fmt.Errorf("none"), "worker", 0)
	log.WithGroup("look").With("a", 1).Info("seen", "pool", "other")
	want := "<6>blog/0 ready gen=7 err=none why=x\n<6>blog seen gen=7 why=x look.a=1 look.pool=other\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestJSONIsJSON(t *testing.T) {
	for c := range rune(0x200) {
		for _, text := range []string{string(c), string([]byte{byte(c)}), "\U0001F600" + string(c)} {
			var got string
			inside := appendJSON(nil, []byte(text))
			if err := json.Unmarshal([]byte(`"`+string(inside)+`"`), &got); err != nil {
				t.Fatalf("%q: %v", inside, err)
			}
			if want := strings.ToValidUTF8(text, "\ufffd"); got != want {
				t.Errorf("%q became %q, want %q", text, got, want)
			}
		}
	}
}

func TestAppendEscaped(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"plain\ttext", "plain\ttext"},
		{"日本 é \U0001F600", "日本 é \U0001F600"},
		{"\ufffd", "\ufffd"},
		{"a\x00\x1f\x7fb", `a\x00\x1f\x7fb`},
		{"\u0080\u009f\u00a0", `\xc2\x80\xc2\x9f` + "\u00a0"},
		{"\x9b31m\xe6\x97", `\x9b31m\xe6\x97`},
	}
	for _, test := range tests {
		if got := string(AppendEscaped(nil, []byte(test.text))); got != test.want {
			t.Errorf("%q became %q, want %q", test.text, got, test.want)
		}
	}
}

func TestAutoFormat(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	var info unix.Stat_t
	if err := unix.Fstat(int(w.Fd()), &info); err != nil {
		t.Fatal(err)
	}
	ours := fmt.Sprintf("%d:%d", info.Dev, info.Ino)
	tests := []struct {
		name, stream string
		format, want Format
	}{
		{"journal", ours, Auto, Journal},
		{"not under systemd", "", Auto, Text},
		{"redirected", "1:2", Auto, Text},
		{"asked for text", ours, Text, Text},
		{"asked for JSON", ours, JSON, JSON},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("JOURNAL_STREAM", test.stream)
			if got := lookFor(w, test.format); got != (look{format: test.want}) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
