package e2e

// The status page in Debian's Chromium: it is live, asks nobody else, has no script
// error, can be read in both colour schemes and on a phone, and works without its
// script. E2E_SCREENSHOTS=FOLDER keeps pictures. Not covered: other browsers, screen
// readers themselves.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a Chromium with one page.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex // events come in goroutines of chromedp
	asked   int        // requests seen
	foreign []string   // requests to anybody but the supervisor
	errors  []string   // of scripts, and what the browser complains about
}

// openBrowser starts one; home is the only place that it may ask.
func openBrowser(t *testing.T, home string) *browser {
	t.Helper()
	base, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	allocator, cancel := chromedp.NewExecAllocator(base, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.ExecPath("/usr/bin/chromium"))
	t.Cleanup(cancel)
	b := &browser{t: t}
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithListener(func(event any) { b.note(event, home) }))
	t.Cleanup(func() { _ = chromedp.Cancel(ctx); cancel() })
	b.ctx = ctx
	return b
}

func (b *browser) note(event any, home string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked++
		if url := e.Request.URL; !strings.HasPrefix(url, home) && !strings.HasPrefix(url, "about:") {
			b.foreign = append(b.foreign, url)
		}
	case *log.EventEntryAdded: // the policy of the page violated, for one
		if e.Entry.Source != log.EntrySourceNetwork { // that nobody answers is what goesOnAfter brings about
			b.errors = append(b.errors, fmt.Sprintf("%+v", e.Entry))
		}
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		b.errors = append(b.errors, fmt.Sprintf("console: %+v", e.Args))
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// evaluate is what a script says.
func evaluate[T any](b *browser, script string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// eventually waits until a script is true, and returns how long that took.
func (b *browser) eventually(script string) time.Duration {
	b.t.Helper()
	begin := time.Now()
	eventually(b.t, func() error {
		if !evaluate[bool](b, script) {
			return fmt.Errorf("not true: %s", script)
		}
		return nil
	})
	return time.Since(begin)
}

// look sets how the page is looked at.
func (b *browser) look(scheme string, width, height int64) chromedp.Action[chromedp.Void] {
	media := chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
	return chromedp.Steps(media, chromedp.EmulateViewport(width, height))
}

// picture keeps what is seen, if somebody wants it.
func (b *browser) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("E2E_SCREENSHOTS")
	if folder == "" {
		return
	}
	image, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), image, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// weakContrast lists visible texts whose contrast with what is behind them is below
// 4.5 (WCAG 2.2, 1.4.3), as the browser has rendered them.
const weakContrast = `(() => {
  const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const light = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const weak = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.closest(".unseen, script, noscript")) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(e.tagName + "." + e.className + " " + ratio.toFixed(2) + ": " + e.textContent.trim().slice(0, 40));
  }
  return weak;
})()`

// unnamed lists what a person who cannot see the page is told nothing about.
const unnamed = `(() => {
  const bad = [];
  const name = (e) => (e.getAttribute("aria-label") || e.textContent || "").trim() || (e.getAttribute("aria-labelledby") && document.getElementById(e.getAttribute("aria-labelledby"))?.textContent.trim());
  for (const e of document.querySelectorAll("a, [role=img], section, ul.cells, ul.cells li, pre, summary")) if (!name(e)) bad.push(e.outerHTML.slice(0, 90));
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) bad.push("twice: #" + id);
  if (document.querySelectorAll("h1").length !== 1) bad.push("not one h1");
  if (!document.documentElement.lang || !document.title) bad.push("no language or title");
  return bad;
})()`

func TestPage(t *testing.T) {
	web := freePort(t)
	p := pool{command: []string{filepath.Join(workers, "worker-c")}, processes: 6, keys: "stop_timeout = \"1s\""}
	s := prepare(t, p)
	p.tables = fmt.Sprintf("[http]\nlisten = %q\n", web) +
		fmt.Sprintf("[pool.zz-broken]\ncommand = [\"/bin/sh\", \"-c\", \"echo no module named app; exit 3\"]\nlisten = \"unix:%s/z.sock\"\nprocesses = 2\n", s.folder) +
		fmt.Sprintf("[pool.zy-tcp]\ncommand = [%q]\nlisten = \"tcp:%s\"\nprocesses = 12\n", filepath.Join(workers, "worker-go"), freePort(t))
	s.configure(p)
	s.run(binary, "run", "--config", s.config())
	home := "http://" + web + "/"
	b := openBrowser(t, home)
	eventually(t, func() error { _, err := s.rawStatus(); return err })
	b.do(b.look("light", 1400, 900), chromedp.Navigate(home))
	b.eventually(`document.getElementById("link").textContent === "live"`)
	me := `document.getElementById("pool-` + s.pool + `")`
	b.eventually(me + `.classList.contains("good") && ` + me + `.querySelectorAll(".cell.ready").length === 6`)
	if text := evaluate[string](b, `document.querySelector("#pool-zz-broken .trouble").textContent`); !strings.Contains(text, "exit code 3") || !strings.Contains(text, "no module named app") {
		t.Errorf("the broken pool says %q", text)
	}
	s.isLive(b, me)
	for _, scheme := range []string{"light", "dark"} {
		for name, width := range map[string]int64{"wide": 1400, "narrow": 360} {
			b.do(b.look(scheme, width, 900))
			if weak := evaluate[[]string](b, weakContrast); len(weak) > 0 {
				t.Errorf("%s, %s: hard to read: %q", scheme, name, weak)
			}
			if wider := evaluate[int](b, `document.documentElement.scrollWidth - innerWidth`); wider > 0 {
				t.Errorf("%s, %s: %d pixels stand out", scheme, name, wider)
			}
			b.picture(scheme + "-" + name)
		}
	}
	if bad := evaluate[[]string](b, unnamed); len(bad) > 0 {
		t.Errorf("without a name: %q", bad)
	}
	s.goesOnAfter(b)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked < 5 {
		t.Errorf("only %d requests were seen: this test looks past them", b.asked)
	}
	if len(b.foreign) > 0 || len(b.errors) > 0 {
		t.Errorf("asked others: %q; errors: %q", b.foreign, b.errors)
	}
}

// isLive: what happens is seen within a second, and what a person has opened or
// selected stays so.
func (s *supervisor) isLive(b *browser, me string) {
	s.t.Helper()
	limit := time.Second
	if raceDetector {
		limit *= 15 // on a busy machine of continuous integration
	}
	evaluate[bool](b, `(document.querySelector("#events details").open = true, document.querySelector("#events summary").focus(), window.opened = document.querySelector("#events details"), true)`)
	s.requests(6, "unix:"+s.socket)
	begin := time.Now()
	eventually(s.t, func() error { // that requests have begun is not the page's doing
		_, text, _, err := page(s.control(), "/metrics")
		if busy, _ := figure(text, `pool_workers{pool="`+s.pool+`",state="busy"}`); err != nil || busy != 6 {
			return fmt.Errorf("%g busy (%v)", busy, err)
		}
		return nil
	})
	s.t.Logf("6 requests began within %v", time.Since(begin))
	if took := b.eventually(me + `.querySelectorAll(".cell.occupied").length === 6`); took > limit+watchPause {
		s.t.Errorf("busy workers were seen after %v", took)
	}
	s.connects(3, "unix", s.socket)
	b.eventually(me + `.querySelector(".state").textContent === "saturated" && ` + me + `.textContent.includes("3 more connections wait")`)
	b.picture("light-saturated")
	for slot := range 3 {
		_ = syscall.Kill(s.slotPID(slot), syscall.SIGKILL)
	}
	if took := b.eventually(me + `.querySelectorAll("dd")[3].textContent.trim() === "3"`); took > limit {
		s.t.Errorf("crashes were seen after %v, want within %v", took, limit)
	}
	if !evaluate[bool](b, `window.opened.isConnected && window.opened.open && document.activeElement === window.opened.querySelector("summary")`) {
		s.t.Error("what was opened and had the focus was lost by a change")
	}
}

// watchPause is how often the page is looked at (internal/web).
const watchPause = time.Second

// slotPID is the worker in a slot of the pool under test, where there are others.
func (s *supervisor) slotPID(slot int) int {
	s.t.Helper()
	pid := s.pidsOf(s.pool)[slot]
	if pid == 0 {
		s.t.Fatalf("nobody in slot %d", slot)
	}
	return pid
}

// goesOnAfter: the page says that it is old while the supervisor is gone, and goes on
// by itself; and without its script it loads itself again.
func (s *supervisor) goesOnAfter(b *browser) {
	s.t.Helper()
	s.crash()
	b.eventually(`document.documentElement.classList.contains("lost") && document.getElementById("link").textContent.includes("old")`)
	s.run(binary, "run", "--config", s.config())
	b.eventually(`!document.documentElement.classList.contains("lost") && document.getElementById("link").textContent === "live"`)
	scripts := func(off bool) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
			return err
		})
	}
	b.do(scripts(true), chromedp.Reload())
	if text := evaluate[string](b, `document.getElementById("verdict").textContent`); !strings.Contains(text, "of 3 pools") {
		s.t.Errorf("without its script the page says %q", text)
	}
	if refresh := evaluate[int](b, `document.querySelectorAll("meta[http-equiv=refresh]").length`); refresh != 1 {
		s.t.Error("without its script it does not load itself again")
	}
	b.do(scripts(false))
}
