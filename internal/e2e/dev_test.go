package e2e

// `dev` as a developer has it: a Flask application below uWSGI, files that are
// saved, and a browser that looks. Not covered: other browsers, other editors than
// one that writes beside and renames.

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const devApp = `from flask import Flask, render_template

app = application = Flask(__name__)


@app.get('/')
def hello():
    return render_template('hello.html', who='one')


@app.get('/boom')
def boom():
    return 1 / 0
`

// devServer is a running dev, in a process of its own.
type devServer struct {
	t      *testing.T
	folder string // of the application
	url    string
	cmd    *exec.Cmd
}

// uwsgi is what serves the application in a folder.
func uwsgi() []string {
	return []string{"uwsgi-core", "--plugin", "python3", "--protocol", "fastcgi", "--module", "app", "--need-app", "--buffer-size", "32768", "--disable-logging"}
}

func startDev(t *testing.T, flags ...string) *devServer {
	t.Helper()
	d := &devServer{t: t, folder: publicFolder(t)}
	d.save("app.py", devApp)
	d.save("templates/hello.html", "<h1>hello {{ who }}</h1>")
	d.save("public/style.css", "h1 { color: green }\n")
	d.save("public/.env", "SECRET=1\n")
	log := filepath.Join(publicFolder(t), "log")
	stderr, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	d.cmd = exec.Command(binary, append(append(append([]string{"dev", "--http", "127.0.0.1:0", "--name", uniqueName("dev")}, flags...), "--"), uwsgi()...)...)
	d.cmd.Dir, d.cmd.Stderr = d.folder, stderr
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop(log) })
	for text := bufio.NewReader(stdout); d.url == ""; {
		line, err := text.ReadString('\n')
		if err != nil {
			t.Fatalf("dev did not say where it is: %v\n%s", err, lastBytes(log, 4000))
		}
		d.url = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`).FindString(line)
	}
	go io.Copy(io.Discard, stdout) // ends with dev
	return d
}

// stop ends dev as Ctrl-C does; it must leave nothing.
func (d *devServer) stop(log string) {
	d.cmd.Process.Signal(syscall.SIGINT)
	ended := time.AfterFunc(patience, func() { d.cmd.Process.Signal(syscall.SIGQUIT) })
	err := d.cmd.Wait()
	ended.Stop()
	text := lastBytes(log, 1<<20)
	if err != nil || strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic:") {
		d.t.Errorf("dev ended with %v", err)
	}
	if left := processesWith("UWSGI_NEVER_SET=", d.folder+"/app.py"); len(left) > 0 {
		d.t.Errorf("processes %v are left", left)
	}
	if d.t.Failed() {
		d.t.Logf("dev's log:\n%s", text[max(0, len(text)-6000):])
	}
}

// save writes beside and renames, as editors do.
func (d *devServer) save(name, text string) {
	d.t.Helper()
	path := filepath.Join(d.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path+"~", []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		d.t.Fatal(err)
	}
}

func (d *devServer) get(path, accept string) (int, string) {
	d.t.Helper()
	request, err := http.NewRequest(http.MethodGet, d.url+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}

// openTab opens a tab of a headless Chromium.
func openTab(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir())) // root has no sandbox
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	visit(t, ctx, "about:blank") // starts it, with a context that has no timeout
	return ctx
}

func visit(t *testing.T, tab context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(tab, chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
}

// sees wants a text in an element of the page, in time; reload asks for the page
// each time, as a person does who has saved.
func sees(t *testing.T, tab context.Context, selector, want string, reload bool) {
	t.Helper()
	eventually(t, func() error {
		ctx, cancel := context.WithTimeout(tab, patience)
		defer cancel()
		if reload {
			if err := chromedp.Do(ctx, chromedp.Reload()); err != nil {
				return err
			}
		}
		script := fmt.Sprintf(`(document.querySelector(%q) || {textContent: "nothing: " + document.title}).textContent`, selector)
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		if err != nil {
			return err // also while the page reloads itself
		}
		if !strings.Contains(text, want) {
			return fmt.Errorf("the page shows %.300q, want %q", text, want)
		}
		return nil
	})
}

// TestDevInABrowser is the day of a developer.
func TestDevInABrowser(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	tab := openTab(t)
	visit(t, tab, d.url+"/")
	sees(t, tab, "h1", "hello one", false)

	nobodyIsRefused(t, d, func() {
		d.save("templates/hello.html", "<h1>good day {{ who }}</h1>")
		sees(t, tab, "h1", "good day one", true)
		d.save("app.py", strings.Replace(devApp, "'one'", "'two'", 1))
		sees(t, tab, "h1", "good day two", true)
	})

	d.save("app.py", devApp+"\nimport no_such_module\n")
	sees(t, tab, "#output", "No module named 'no_such_module'", true)
	sees(t, tab, "#output", "Traceback (most recent call last)", false)
	d.save("app.py", devApp)
	sees(t, tab, "h1", "good day one", false) // the page comes anew by itself

	visit(t, tab, d.url+"/boom")
	sees(t, tab, "#output", "ZeroDivisionError", false)
	d.save("app.py", strings.Replace(devApp, "1 / 0", "'<h1>mended</h1>'", 1))
	sees(t, tab, "h1", "mended", false)
}

// nobodyIsRefused has clients ask without pause while something happens: every
// request is answered with 200.
func nobodyIsRefused(t *testing.T, d *devServer, happens func()) {
	t.Helper()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	faults := make(chan string, 1000)
	asked := make(chan int, 4)
	for range cap(asked) {
		clients.Go(func() {
			n := 0
			defer func() { asked <- n }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if status, text := d.get("/", "*/*"); status != http.StatusOK {
					select {
					case faults <- fmt.Sprintf("%d %.300s", status, text):
					default:
					}
				}
				n++
			}
		})
	}
	halt := sync.OnceFunc(func() { close(stop); clients.Wait() })
	defer halt() // also when happens gives up
	happens()
	halt()
	close(faults)
	for fault := range faults {
		t.Errorf("while saving: %s", fault)
	}
	total := 0
	for range cap(asked) {
		total += <-asked
	}
	t.Logf("%d requests while two files were saved", total)
}

func TestDevFilesAndPrefix(t *testing.T) {
	t.Parallel()
	d := startDev(t, "--prefix", "/app", "--root", "public")
	for path, want := range map[string]string{
		"/app/":              "200 <h1>hello one</h1>",
		"/app/style.css":     "200 h1 { color: green }\n",
		"/app/.env":          "404",
		"/app/%2eenv":        "404",
		"/app/..%2fapp.py":   "404",
		"/app/../app.py":     "404",
		"/elsewhere":         "404",
		"/apple":             "404",
		"/app/no-such-thing": "404",
	} {
		status, body := d.get(path, "*/*")
		if got := fmt.Sprint(status, " ", body); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.200q, want %q", path, got, want)
		}
	}
}

// TestDevIsBrokenFromTheStart: there never was a good version to fall back to.
func TestDevIsBrokenFromTheStart(t *testing.T) {
	t.Parallel()
	d := startDev(t, "--env", "FLAG=1")
	d.save("app.py", "raise SystemExit('FLAG is not what it should be')\n")
	eventually(t, func() error {
		if status, text := d.get("/", "text/plain"); status != http.StatusInternalServerError || !strings.Contains(text, "FLAG is not what it should be") {
			return fmt.Errorf("%d %.500s", status, text)
		}
		return nil
	})
	d.save("app.py", devApp)
	eventually(t, func() error {
		if status, text := d.get("/", "text/plain"); status != http.StatusOK {
			return fmt.Errorf("%d %.500s", status, text)
		}
		return nil
	})
}
