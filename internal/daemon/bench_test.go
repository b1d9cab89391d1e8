package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/executor"
	"fcgi-supervisor/supervisor"
	"fcgi-supervisor/worker"
)

// BenchmarkState writes the state of one pool down, as after every change, to a file
// system in memory as /run is.
func BenchmarkState(b *testing.B) {
	for _, workers := range []int{4, 512} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			folder, err := os.MkdirTemp("/dev/shm", "state")
			if err != nil {
				b.Fatal(err)
			}
			defer os.RemoveAll(folder)
			cfg := config.Pool{Name: "blog", Command: []string{"/srv/blog/app.fcgi"}, Environment: map[string]string{"A": "b"}}
			s := &state{Lineage: newLineage(), Pools: map[string]executor.Memory{"blog": {Config: cfg,
				Generations: map[int]executor.GenerationMemory{1: {Config: cfg, Spec: worker.Spec{Env: os.Environ()}}}}}}
			pool := supervisor.PoolMemory{Name: "blog", Exits: map[string]uint64{"signal": 3}}
			for slot := range workers {
				pool.Slots = append(pool.Slots, supervisor.SlotMemory{LastExit: &worker.Exit{At: time.Now(), Output: []string{"a line"}}})
				pool.Workers = append(pool.Workers, supervisor.WorkerMemory{Slot: slot, Generation: 1, PID: 1000 + slot, Phase: supervisor.PhaseReady,
					StartedAt: time.Now(), ReadyAt: time.Now()})
			}
			s.Loop.Pools = append(s.Loop.Pools, pool)
			for b.Loop() {
				if err := s.write(filepath.Join(folder, "state.json")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
