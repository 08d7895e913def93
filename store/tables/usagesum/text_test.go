package usagesum

import (
	"fmt"
	"math"
	"testing"
)

// TestEachCount checks that counts are read from text as SQLite writes them, and that other text is
// an error.
func TestEachCount(t *testing.T) {
	for text, want := range map[string]string{
		"": "[]", "20419 0 25 75": "[[20419 0 25 75]]", "20419 3 1 0 20420 0 -2 7": "[[20419 3 1 0] [20420 0 -2 7]]",
		fmt.Sprintf("1 2 %d 4", math.MaxInt64): "[[1 2 9223372036854775807 4]]",
		"1 2 3":                                "error", "1 2 3 4 5": "error", "1 2 3 x": "error", "1 2  3 4": "error", "1 2 3 4 ": "error", "1 2 3 1e3": "error", "- 2 3 4": "error", "1 2 3 4-": "error", "1 4 3 4": "error", "1 -1 3 4": "error",
	} {
		var all [][4]int64
		err := EachCount([]byte(text), func(n [4]int64) { all = append(all, n) })
		if got := fmt.Sprint(all); err == nil && got != want || (err != nil) != (want == "error") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
