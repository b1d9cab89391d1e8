package main

import (
	"fmt"
	"strings"
	"time"

	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/worker"
)

// unknown is shown for what cannot be known.
const unknown = "-"

// span is a length of time in words; clocks that were set back make none negative.
func span(d time.Duration) string { return worker.Span(max(0, d)) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func number[T int | uint64](n *T) string {
	if n == nil {
		return unknown
	}
	return fmt.Sprint(*n)
}

func seconds(s *float64) string {
	if s == nil {
		return unknown
	}
	return span(time.Duration(*s * float64(time.Second)))
}

// memory is a size with two or three digits that mean something: 7.3 MiB, 12 MiB.
func memory(bytes *uint64) string {
	if bytes == nil {
		return unknown
	}
	size, unit := float64(*bytes), ""
	for _, unit = range []string{"B", "KiB", "MiB", "GiB", "TiB"} {
		if size < 1000 || unit == "TiB" {
			break
		}
		size /= 1024
	}
	if size < 10 && unit != "B" {
		return fmt.Sprintf("%.1f %s", size, unit)
	}
	return fmt.Sprintf("%.0f %s", size, unit)
}

func queue(p control.Pool) string {
	if p.Queue == nil || p.Backlog == nil {
		return number(p.Queue)
	}
	return fmt.Sprintf("%d/%d", *p.Queue, *p.Backlog)
}

// busyWorkers counts them; it is not known if it is not known of one.
func busyWorkers(p control.Pool) string {
	busy, known := p.Busy()
	if !known {
		return unknown
	}
	return fmt.Sprint(busy)
}

// busy is since when a worker is.
func (p picture) busy(w control.Worker) string {
	switch {
	case w.Busy == nil:
		return unknown
	case !*w.Busy:
		return "no"
	case w.BusySince == nil:
		return "yes"
	}
	return p.since(w.BusySince)
}

func (p picture) since(t *time.Time) string {
	if t == nil {
		return unknown
	}
	return span(p.now.Sub(*t))
}

func (p picture) lastExit(e *control.Exit) string {
	if e == nil {
		return unknown
	}
	return harmless(e.Text) + ", " + span(p.now.Sub(e.At)) + " ago"
}

// phases sums up workers: "all ready", "490 ready, 6 starting".
func phases(workers []control.Worker) string {
	counts := map[string]int{}
	for _, w := range workers {
		counts[w.Phase]++
	}
	var parts []string
	for _, phase := range []string{"ready", "starting", "draining", "stopping"} {
		switch counts[phase] {
		case 0:
		case len(workers):
			return "all " + phase
		default:
			parts = append(parts, fmt.Sprintf("%d %s", counts[phase], phase))
		}
	}
	return strings.Join(parts, ", ")
}
