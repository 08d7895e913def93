package titles

import (
	"strings"
	"testing"

	"stile.example/stile/corpus/words"
)

// TestChoices: of many words, the rarest is chosen from the first ones and the last.
func TestChoices(t *testing.T) {
	parts := words.TitleWords(strings.Repeat("a一 ", 32))
	if some := choices(parts); len(some) != choosable || some[0] != parts[0] || some[choosable-1] != parts[len(parts)-1] {
		t.Errorf("the rarest of %d parts is chosen from %v", len(parts), some)
	}
}
