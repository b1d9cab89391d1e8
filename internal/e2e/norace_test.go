//go:build !race

package e2e

// Not covered: nothing is tested here.

const raceDetector = false
