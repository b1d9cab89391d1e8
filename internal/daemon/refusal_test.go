package daemon_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"testing"

	"fcgi-supervisor/internal/control"
)

// What is refused before anything is started, and that nothing of it stays. Not
// covered: each single thing that this machine may lack (package config).

func TestRefusedConfigurations(t *testing.T) {
	for _, c := range []struct {
		name, text string
		says       []string
	}{
		{"no pools", "", []string{"no pool can run like this", "there is none in ", "try: a table [pool.NAME]"}},
		{"all pools broken", `[pool.blog]
command = ["FOLDER/missing"]
listen = "unix:FOLDER/blog.sock"
` + pool("shop", "serve", `user = "nobody-of-that-name"`),
			[]string{"no pool can run like this", "/missing", "nobody-of-that-name"}},
		{"control group unknown", `control_group = "no-group-of-that-name"
` + pool("blog", "serve", ""), []string{"no-group-of-that-name"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := write(t, c.text)
			p.refuse(exitRefused, c.says...)
			if _, err := os.Lstat(p.path("run")); err == nil {
				t.Error("the runtime folder was made")
			}
		})
	}
}

func TestOneBrokenPoolKeepsNobodyDown(t *testing.T) {
	for _, c := range []struct{ name, broken, says string }{
		{"command missing", `[pool.shop]
command = ["FOLDER/missing"]
listen = "unix:FOLDER/shop.sock"
`, "/missing"},
		{"command not executable", `[pool.shop]
command = ["FOLDER/toml"]
listen = "unix:FOLDER/shop.sock"
`, "/toml is not executable"},
		{"socket folder missing", `[pool.shop]
command = PROGRAM
listen = "unix:FOLDER/none/shop.sock"
`, "/none does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := write(t, pool("blog", "serve", "")+c.broken)
			p.start()
			p.waitRunning("blog")
			shop := p.waitFor("shop", "in back-off", func(s control.Pool) bool { return s.State == "backoff" })
			if shop.LastFailure == nil || shop.Ready > 0 {
				t.Errorf("the broken pool: %+v", shop)
			}
			p.waitSaid(c.says)
		})
	}
}

func TestSecondCopyIsRefused(t *testing.T) {
	t.Parallel()
	first := write(t, pool("blog", "serve", ""))
	first.start()
	before := first.waitRunning("blog")
	second := &program{t: t, folder: first.folder}
	second.refuse(exitFailed, fmt.Sprintf("(pid %d) already runs", first.cmd.Process.Pid))
	if err := first.connect("blog"); err != nil {
		t.Errorf("the first copy, after the second: %v", err)
	}
	if after := first.waitRunning("blog"); after.Starts != before.Starts {
		t.Errorf("the first copy has started %d workers, and %d before the second came", after.Starts, before.Starts)
	}
}

func TestFailureHalfWayLeavesNothing(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := write(t, fmt.Sprintf("[pool.shop]\ncommand = PROGRAM\nlisten = \"tcp:%s\"\nenvironment = { %s = \"serve\" }\n",
		taken.Addr(), roleVariable))
	p.refuse(exitFailed, taken.Addr().String(), "pid "+strconv.Itoa(os.Getpid()))
	p.proveNothingLeft()
	lock, err := control.Acquire(p.path("run"))
	if err != nil {
		t.Fatalf("the lock is left: %v", err)
	}
	lock.Close()
	taken.Close()
	p.start()
	p.waitRunning("shop")
	if _, err := p.client().Status(context.Background(), "none"); err == nil {
		t.Error("a pool that does not exist has a status")
	}
}
