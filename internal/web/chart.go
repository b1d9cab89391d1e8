package web

import (
	"fmt"
	"strings"
)

// A chart is drawn in units of its own and stretched to where there is room.
const chartHeight = 32

// chart is a row of bars, one for each half minute of the last hour.
type chart struct {
	Label string // "queue"
	Text  string // what a person who does not see it is told: "at most 12 in the last hour"
	Peak  int
	Bars  string // an SVG path
	Gaps  string // an SVG path: where nobody looked
}

// newChart draws what value says of each moment; false: it is not known.
func newChart(label string, hour []moment, value func(moment) (int, bool)) chart {
	c := chart{Label: label}
	looked := false
	for _, m := range hour {
		if v, known := value(m); known {
			looked = true
			c.Peak = max(c.Peak, v)
		}
	}
	var bars, gaps strings.Builder
	for i, m := range hour {
		v, known := value(m)
		switch {
		case !known:
			fmt.Fprintf(&gaps, "M%d %dh2", i*2, chartHeight)
		case v > 0:
			height := max(2, v*(chartHeight-2)/c.Peak) // what has been is seen
			fmt.Fprintf(&bars, "M%d %dv-%dh1.6v%dz", i*2, chartHeight, height, height)
		}
	}
	c.Bars, c.Gaps = bars.String(), gaps.String()
	switch {
	case !looked:
		c.Text = label + ": not looked at in the last hour"
	case c.Peak == 0:
		c.Text = label + ": none in the last hour"
	default:
		c.Text = fmt.Sprintf("%s: at most %d in half a minute of the last hour", label, c.Peak)
	}
	return c
}
