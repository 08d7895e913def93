// Package repeatable makes the tests of properties that import it draw the same cases in each run:
// a CI must not fail by chance. `go test -rapid.seed=7` draws others.
package repeatable

import (
	"flag"

	_ "pgregory.net/rapid" // defines the flag
)

func init() {
	if err := flag.Set("rapid.seed", "1"); err != nil {
		panic(err)
	}
}
