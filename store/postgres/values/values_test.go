package values_test

import (
	"testing"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/store/states/statestest"
)

func TestEngine(t *testing.T) { statestest.Run(t, statestest.Values) }

// TestThroughPgBouncer runs the same tests through PgBouncer, which gives each statement another
// session of the server.
func TestThroughPgBouncer(t *testing.T) {
	statestest.Run(t, func(t testing.TB, url string) func() states.Engine {
		return statestest.Values(t, engines.PgBouncer(t, url).URL)
	})
}
