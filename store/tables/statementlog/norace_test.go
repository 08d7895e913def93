//go:build !race

package statementlog_test

const raceDetector = false
