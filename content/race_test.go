//go:build race

package content_test

// million is smaller with the race detector, which takes ten times as long and counts its own
// memory.
const million = 100_000
