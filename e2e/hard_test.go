package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

// hard makes the tests of hardness as large as docs/hardness.md says. Otherwise they are shorter.
var hard = flag.Bool("hard", false, "run the tests of hardness in full (docs/hardness.md)")

// seed chooses what tests draw at random, such as which system calls fail.
var seed = flag.Uint64("seed", 1, "what tests draw at random begins with this")

// sized returns how large a part of a test is: full with -hard, otherwise short.
func sized(short, full int) int {
	if *hard {
		return full
	}
	return short
}

// random returns a source of random numbers that -seed chooses. A test that fails names the seed.
func random(t testing.TB) *rand.Rand {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to repeat it: go test ./e2e -run '^%s$' %s", t.Name(), fmt.Sprintf("-seed %d -hard=%t", *seed, *hard))
		}
	})
	return rand.New(rand.NewPCG(*seed, 15))
}
