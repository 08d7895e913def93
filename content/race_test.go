//go:build race

package content_test

// million is smaller under the race detector, which is ten times slower and counts its own memory.
const million = 100_000
