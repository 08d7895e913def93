package editdistance

import (
	"strings"
	"testing"
)

func TestBetween(t *testing.T) {
	long := strings.Repeat("é", 65)
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"listen", "listen", 0}, {"", "abc", 3},
		{"listn", "listen", 1}, {"lissten", "listen", 1}, {"lizten", "listen", 1}, {"lsiten", "listen", 1},
		{"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"café", "cafe", 1}, {"éa", "aé", 1},
		{long[2:], long[2:], 0}, {long, long, 65}, {"a", long, 65},
	} {
		for _, got := range []int{Between(c.a, c.b), Between(c.b, c.a)} {
			if got != c.want {
				t.Errorf("%q, %q: %d, want %d", c.a, c.b, got, c.want)
			}
		}
	}
}
