package config

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// A pool that is written to a file must be the pool that was typed. Not covered:
// the file's place and rights (internal/service).

func TestWrittenPoolIsThePoolThatWasTyped(t *testing.T) {
	flags := Flags{Command: []string{"/srv/my app/ü\"x\\y.fcgi", "100%", "$HOME", "a\tb", "[x]"}, Values: map[string][]string{
		"name": {"blog.v2"}, "listen": {"unix:/run/blog.sock"}, "processes": {"3"}, "env": {"A=1", "B.C= \"two\" "},
		"watch": {"src,*.py"}, "restart-delay": {"1s"}, "limit-nofile": {"100"}, "no-new-privileges": {"true"},
		"log-output": {"file"}, "log-file": {"/var/log/blog.log"}, "probe-path": {"/health?x=%20"}, "umask": {"0027"},
	}}
	want, err := FromFlags(flags)
	if err != nil {
		t.Fatal(err)
	}
	name, text, err := WritePool(flags)
	if err != nil {
		t.Fatal(err)
	}
	if name != "blog.v2" {
		t.Errorf("the pool is called %q", name)
	}
	path := filepath.Join(t.TempDir(), "pool.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, p := range []*Pool{&want.Pools[0], &got.Pools[0]} {
		p.Where, p.places = "", nil // where it is written
	}
	if !reflect.DeepEqual(got.Pools[0], want.Pools[0]) {
		t.Errorf("typed %+v\nwritten %+v\nas\n%s", want.Pools[0], got.Pools[0], text)
	}
}

func TestWrittenPoolTakesNoSupervisorsFlags(t *testing.T) {
	_, _, err := WritePool(Flags{Command: []string{"/bin/true"}, Values: map[string][]string{
		"listen": {"unix:/run/x.sock"}, "runtime-dir": {"/run/x"}}})
	mistakes, _ := err.(Errors)
	if len(mistakes) != 1 || mistakes[0].Flag != "--runtime-dir" {
		t.Errorf("got %v, want a mistake at --runtime-dir", err)
	}
}
