package e2e

// The other half of the acceptance: nginx in front, and wrk in front of that, whose
// own count of failures is what is believed. Not covered: other web servers.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// besiegeThroughNginx has wrk ask over 16 connections without pause until ctx ends,
// then the verdict is complete when the returned function returns.
func besiegeThroughNginx(t *testing.T, ctx context.Context, d direct, keep int, v *verdicts) (wait func()) {
	t.Helper()
	backend := d.address
	if d.network == "unix" {
		backend = "unix:" + d.address
	}
	f := nginxOn(t, nginxSite{backend: backend, script: d.script, keep: keep, listen: ownAddress()})
	var printed, complained bytes.Buffer
	cmd := exec.CommandContext(ctx, "wrk", "--threads", "1", "--connections", "16", "--duration", "3h", "--timeout", "60s", f.base+"/sleep?ms=5")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) } // it prints then what it has seen
	cmd.Stdout, cmd.Stderr = &printed, &complained
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := cmd.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("wrk: %v\n%s%s", err, printed.String(), complained.String())
		}
		if err := v.readWrk(printed.String()); err != nil {
			t.Errorf("%v:\n%s", err, printed.String())
		}
		// A request on a kept connection that has just been closed nginx sends again, and
		// says so in its log.
		if text, err := os.ReadFile(f.errors); err != nil || keep == 0 && bytes.Contains(text, []byte("[error]")) {
			v.failed = append(v.failed, fmt.Errorf("nginx says: %s (%v)", lastBytes(f.errors, 500), err))
		}
	}
}

var (
	wrkAnswered = regexp.MustCompile(`(\d+) requests in `)
	wrkSlowest  = regexp.MustCompile(`Latency +\S+ +\S+ +(\S+)`)
	wrkFailed   = regexp.MustCompile(`(?m)^ *(?:Socket errors|Non-2xx).*: .*`)
	wrkCount    = regexp.MustCompile(`\d+(,|$)`)
)

// readWrk takes over what wrk has printed at its end.
func (v *verdicts) readWrk(text string) (err error) {
	answered, slowest := wrkAnswered.FindStringSubmatch(text), wrkSlowest.FindStringSubmatch(text)
	if answered == nil || slowest == nil {
		return errors.New("wrk does not say how many requests it made")
	}
	if v.answered, err = strconv.Atoi(answered[1]); err != nil {
		return err
	}
	if v.slowest, err = time.ParseDuration(slowest[1]); err != nil {
		return err
	}
	for _, line := range wrkFailed.FindAllString(text, -1) {
		for _, count := range wrkCount.FindAllString(line, -1) {
			n, _ := strconv.Atoi(strings.TrimSuffix(count, ","))
			v.failed = append(v.failed, slices.Repeat([]error{errors.New(strings.TrimSpace(line))}, n)...)
		}
	}
	return nil
}
