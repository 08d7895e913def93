//go:build race

package files_test

const raceDetector = true
