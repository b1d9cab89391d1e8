package e2e

// The suites of questions that web servers are asked: with the worker behind them,
// and the files beside them. Nothing is tested here.

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// suite is a table of the page: a site of one kind, and what is asked of it.
type suite struct {
	title, text  string
	prefix, name string
	transports   []string
	flags        []string
	files        map[string]string // below a folder that --root names
	pool         pool
	questions    []question
	without      []string // web servers that cannot do it
}

// trickyFolder has in its name all that has a meaning in one syntax or another.
const trickyFolder = `it's "my" site; #{1} & ü !$%()*+,-.:<=>?@[\]^_|~{path}${HOME}%2f`

func suites() []suite {
	params := pool{command: []string{filepath.Join(workers, "worker-params")}}
	prefixed := []string{"--prefix", "/app", "--server-name", "app.example"}
	return []suite{
		{title: "The application has the whole site", text: "`webconf SERVER POOL`, over a Unix socket and over TCP.",
			transports: []string{"unix", "tcp"}, pool: params, questions: rootQuestions()},
		{title: "The application is below a prefix", text: "`webconf SERVER POOL --prefix /app --server-name app.example`, over a Unix socket and over TCP. Paths are what follows `/app`.",
			transports: []string{"unix", "tcp"}, pool: params, questions: questions(), prefix: "/app", name: "app.example", flags: prefixed},
		{title: "Files beside the application", text: "`webconf SERVER POOL --root FOLDER`. The name of the folder has all the characters in it that the server's syntax allows.",
			transports: []string{"unix"}, pool: params, questions: fileQuestions(), files: publicFiles, without: []string{"haproxy"}},
		{title: "Files beside an application below a prefix", text: "`webconf SERVER POOL --root FOLDER --prefix /app`. `/app/style.css` is `FOLDER/style.css`.",
			transports: []string{"unix"}, pool: params, questions: fileQuestions(), files: publicFiles, without: []string{"haproxy"},
			prefix: "/app", name: "app.example", flags: prefixed},
		{title: "Flask under uWSGI", text: "What a WSGI application sees, below `/app`.",
			transports: []string{"unix"}, pool: flask(), questions: wsgiQuestions(), prefix: "/app", name: "app.example", flags: prefixed},
		{title: "Plack", text: "What a PSGI application sees, below `/app`.",
			transports: []string{"unix"}, pool: plack(), questions: wsgiQuestions(), prefix: "/app", name: "app.example", flags: prefixed},
		{title: "PHP", text: "php-cgi; `webconf SERVER POOL --root FOLDER`. HAProxy sends no files.",
			transports: []string{"unix"}, pool: pool{command: []string{"/usr/bin/php-cgi"}, keys: `environment = { PHP_FCGI_MAX_REQUESTS = "0" }`},
			questions: phpQuestions(), files: phpFiles(), flags: []string{"--php"}},
	}
}

func flask() pool {
	return pool{command: []string{"/usr/bin/uwsgi-core", "--plugin", "python3", "--protocol", "fastcgi", "--module", "params_app",
		"--buffer-size", "32768", "--disable-logging"}}
}

func plack() pool {
	return pool{command: []string{"/usr/bin/plackup", "-s", "FCGI", "--manager", "", "-E", "deployment", filepath.Join(workers, "params.psgi")}}
}

// rootQuestions are those that make sense at the root.
func rootQuestions() []question {
	return slices.DeleteFunc(questions(), func(q question) bool { return !strings.HasPrefix(q.path, "/") })
}

var publicFiles = map[string]string{
	"style.css": "body { color: red }\n", "two words.txt": "two words\n", "sub/page.txt": "a page\n",
	".env": "SECRET=1\n", "../above.txt": "secret\n", "sub/.git/config": "secret\n", ".well-known/security.txt": "Contact: us\n",
}

func fileQuestions() []question {
	return []question{
		{title: "`/style.css`: a file", path: "/style.css", file: publicFiles["style.css"]},
		{title: "the same, HEAD", method: "HEAD", path: "/style.css", file: publicFiles["style.css"]},
		{title: "the same, with a query", path: "/style.css", query: "?v=2", file: publicFiles["style.css"]},
		{title: "`/two%20words.txt`", path: "/two%20words.txt", file: publicFiles["two words.txt"]},
		{title: "`/sub/page.txt`", path: "/sub/page.txt", file: publicFiles["sub/page.txt"]},
		{title: "`/.well-known/security.txt`", path: "/.well-known/security.txt", file: publicFiles[".well-known/security.txt"]},
		{title: "`/`: the application's", path: "/"},
		{title: "`/none.css`: no file, so the application's", path: "/none.css"},
		{title: "`/style.css/x`: no file", path: "/style.css/x"},
		{title: "`/..%2fabove.txt`: out of the folder", path: "/..%2fabove.txt", secret: "secret"},
		{title: "`/.well-known/../.env`", path: "/.well-known/../.env", secret: "SECRET"},
		{title: "`/.well-known/%2e%2e/.env`", path: "/.well-known/%2e%2e/.env", secret: "SECRET"},
		{title: "`/sub`: a folder", path: "/sub"},
		{title: "`/sub/`: a folder", path: "/sub/"},
		{title: "`/.env`: hidden, so the application's", path: "/.env"},
		{title: "`/%2eenv`", path: "/%2eenv", info: "/.env"},
		{title: "`/sub/.git/config`", path: "/sub/.git/config"},
		{title: "a file name of 300 bytes", path: "/" + strings.Repeat("n", 300)},
		{title: "`/a%0Ab`: a line's end", path: "/a%0Ab", info: "/a\nb"},
		{title: "POST, chunked", method: "POST", path: "/p", body: []byte("name=value"), chunks: true},
	}
}

// wsgiQuestions are about what PEP 3333 and PSGI promise. Long headers of an answer are
// left out: these programs send them in parts, which HAProxy may not survive (see
// TestHeadersInParts).
func wsgiQuestions() []question {
	wanted := []string{"`/`", "`/a/b", "`/a%20b", "`/a%2Fb", "`/a%25b", "`/caf%C3%A9", "HEAD", "POST", "PUT", "`Auth", "a header of"}
	return slices.DeleteFunc(questions(), func(q question) bool {
		return !slices.ContainsFunc(wanted, func(prefix string) bool { return strings.HasPrefix(q.title, prefix) })
	})
}

func phpFiles() map[string]string {
	script, err := os.ReadFile("testdata/workers/params.php")
	if err != nil {
		panic(err)
	}
	return map[string]string{
		"index.php": string(script), "info.php": string(script), "two words.php": string(script), "sub/index.php": string(script),
		"../above.php": string(script), "picture.jpg": string(script), "style.css": "p { margin: 0 }\n", ".env": "SECRET=1\n",
	}
}

func phpQuestions() []question {
	form := []byte("name=value")
	return []question{
		{title: "`/info.php?x=1`", path: "/info.php", query: "?x=1", script: "/info.php"},
		{title: "`/info.php/a%20b/c`: PATH_INFO", path: "/info.php/a%20b/c", script: "/info.php", info: "/a b/c"},
		{title: "`/info.php/x.php`: the first one is the script", path: "/info.php/x.php", script: "/info.php", info: "/x.php"},
		{title: "`/two%20words.php`", path: "/two%20words.php", script: "/two words.php"},
		{title: "`/`: index.php", path: "/", script: "/index.php"},
		{title: "`/sub/`: its index.php", path: "/sub/", script: "/sub/index.php"},
		{title: "POST, a form", method: "POST", path: "/info.php", script: "/info.php", header: []string{"Content-Type: application/x-www-form-urlencoded"}, body: form,
			params: map[string]string{"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": "10"}},
		{title: "POST, chunked", method: "POST", path: "/info.php", script: "/info.php", body: form, chunks: true},
		{title: "HEAD", method: "HEAD", path: "/info.php", script: "/info.php"},
		{title: "`Authorization`", path: "/info.php", script: "/info.php", header: []string{"Authorization: Bearer abc"}, params: map[string]string{"HTTP_AUTHORIZATION": "Bearer abc"}},
		{title: "`/none.php`: not there", path: "/none.php", nobody: true},
		{title: "`/picture.jpg/x.php`: must not run the picture", path: "/picture.jpg/x.php", nobody: true},
		{title: "`/..%2fabove.php`: out of the folder", path: "/..%2fabove.php", nobody: true},
		{title: "`/.env`: hidden", path: "/.env", nobody: true},
		{title: "`/.well-known/%2e%2e/.env`", path: "/.well-known/%2e%2e/.env", secret: "SECRET"},
		{title: "`/style.css`: a file", path: "/style.css", file: phpFiles()["style.css"]},
	}
}

// writeFiles puts a suite's files into a folder with a difficult name.
// that the web server can be told.
func (s suite) writeFiles(t *testing.T, w webServer) (root string) {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(w.refused, r) {
			return '_'
		}
		return r
	}, trickyFolder)
	root = filepath.Join(publicFolder(t), name)
	for name, text := range s.files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
