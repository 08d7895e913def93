package repeatable

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSameCases checks that a property is tested with the same cases again.
func TestSameCases(t *testing.T) {
	var runs [2][]int
	for i := range runs {
		rapid.Check(t, func(t *rapid.T) { runs[i] = append(runs[i], rapid.Int().Draw(t, "n")) })
	}
	if len(runs[0]) < 50 || !slices.Equal(runs[0], runs[1]) {
		t.Errorf("%v\n%v", runs[0], runs[1])
	}
}
