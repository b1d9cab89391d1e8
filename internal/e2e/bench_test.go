package e2e

// What a scrape of 512 workers in 8 pools costs the supervisor. Not covered: what
// their looks at /proc cost the rest of the machine.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The limits that the issue sets.
const (
	scrapeCPU  = 50 * time.Millisecond
	scrapeWall = 100 * time.Millisecond
)

func BenchmarkScrape(b *testing.B) {
	folder, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(folder) })
	web := filepath.Join(folder, "web.sock")
	text := fmt.Sprintf("[supervisor]\nruntime_dir = %q\n[http]\nlisten = \"unix:%s\"\n", folder+"/run", web)
	for n := range 8 {
		text += fmt.Sprintf("[pool.p%d]\ncommand = [%q]\nlisten = \"unix:%s/p%d.sock\"\nprocesses = 64\n", n, filepath.Join(workers, "worker-c"), folder, n)
	}
	config := filepath.Join(folder, "c.toml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	pid := benchmarked(b, config)
	for deadline := time.Now().Add(2 * patience); ; {
		if status, _, _, err := page(web, "/readyz"); err == nil && status == 200 && allReady(web) {
			break
		}
		if time.Now().After(deadline) {
			b.Fatal("the workers do not become ready")
		}
		time.Sleep(50 * time.Millisecond)
	}
	before, size := cpuOf(b, pid), 0
	begin := time.Now()
	for b.Loop() {
		status, text, _, err := page(web, "/metrics")
		if err != nil || status != 200 {
			b.Fatalf("%d %v", status, err)
		}
		size = len(text)
	}
	cpu := (cpuOf(b, pid) - before) / time.Duration(b.N)
	wall := time.Since(begin) / time.Duration(b.N)
	b.ReportMetric(float64(cpu)/1e6, "cpu-ms/op")
	b.ReportMetric(float64(size), "bytes/op")
	if b.N > 10 && (cpu > scrapeCPU || wall > scrapeWall) {
		b.Errorf("a scrape takes %v of CPU and %v, want at most %v and %v", cpu, wall, scrapeCPU, scrapeWall)
	}
}

func allReady(web string) bool {
	_, text, _, err := page(web, "/metrics")
	return err == nil && strings.Count(text, `state="ready"} 64`) == 8
}

// cpuOf is the CPU time of a process, proc_pid_stat(5), fields 14 and 15.
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// benchmarked runs a supervisor until the end of the benchmark.
func benchmarked(b *testing.B, config string) (pid int) {
	b.Helper()
	cmd := exec.Command(binary, "run", "--config", config)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}
