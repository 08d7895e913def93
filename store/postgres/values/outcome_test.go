package values

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"stile.example/stile/store/states"
)

// TestOutcome: after which errors a statement may have happened.
func TestOutcome(t *testing.T) {
	for code, unknown := range map[string]bool{
		"40001": false, "40P01": false, "25006": false, "53300": false, "55P03": false, "57014": false,
		"57P01": true, // the server stops, perhaps between the commit and the reply
		"08P01": true, // PgBouncer has lost its server
	} {
		if err := outcome(&pgconn.PgError{Code: code}); errors.Is(err, states.ErrUnknown) != unknown {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := outcome(errors.New("EOF")); !errors.Is(err, states.ErrUnknown) {
		t.Error(err)
	}
}
