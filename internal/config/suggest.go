package config

import "fmt"

// didYouMean is "; did you mean X?" for the nearest of known, or nothing if none
// is near.
func didYouMean(typed string, known []string) string {
	if best := nearest(typed, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}

// nearest finds the word that typed is most likely a slip of. A third of the
// letters may differ; beyond that a suggestion is noise.
func nearest(typed string, known []string) string {
	best, least := "", max(1, len(typed)/3)+1
	for _, word := range known {
		if d := distance(typed, word); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a (Damerau-Levenshtein, optimal string alignment).
func distance(a, b string) int {
	row := func() []int { return make([]int, len(b)+1) }
	before, above, here := row(), row(), row()
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		here[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			here[j] = min(above[j]+1, here[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				here[j] = min(here[j], before[j-2]+1)
			}
		}
		before, above, here = above, here, before
	}
	return above[len(b)]
}
