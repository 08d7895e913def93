package postgres

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"stile.example/stile/store/breaker"
)

// TestOutcomes: what an error says about the server. Only silence opens the breaker.
func TestOutcomes(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	late := context.DeadlineExceeded
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		took time.Duration
		want breaker.Outcome
	}{
		{"no error", t.Context(), nil, 0, breaker.Responded},
		{"a constraint", t.Context(), &pgconn.PgError{Code: "23505"}, 0, breaker.Responded},
		{"a server that can only be read", t.Context(), &pgconn.PgError{Code: "25006"}, 0, breaker.Refused},
		{"too many connections", t.Context(), &pgconn.PgError{Code: "53300"}, 0, breaker.Refused},
		{"a server that ends the connection", t.Context(), &pgconn.PgError{Code: "57P01"}, 0, breaker.Cut},
		{"a server that starts", t.Context(), &pgconn.PgError{Code: "57P03"}, 0, breaker.Silent},
		{"a disk that fails", t.Context(), &pgconn.PgError{Code: "58030"}, 0, breaker.Refused},
		{"PgBouncer without a server", t.Context(), &pgconn.PgError{Code: "08P01"}, 0, breaker.Refused},
		{"the caller left", gone, context.Canceled, time.Second, breaker.GivenUp},
		{"the caller had no time", t.Context(), late, patience / 2, breaker.GivenUp},
		{"no response", t.Context(), late, patience, breaker.Silent},
		{"no connection", t.Context(), &net.OpError{Op: "dial", Err: errors.New("refused")}, 0, breaker.Silent},
		{"a lost connection", t.Context(), errors.New("EOF"), 0, breaker.Cut},
	} {
		if got := outcomeOf(c.ctx, c.err, c.took); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestOpens: a server that can't be reached is not asked any more after five attempts, whichever
// pool they are of.
func TestOpens(t *testing.T) {
	cfg, err := Config("postgres://stile@127.0.0.1:1/stile?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	db := openPools(cfg, Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	defer db.Close()
	for n := range 2 * tripAfter {
		pool := []*sql.DB{db.read, db.write, db.transfer, db.single}[n%4]
		if err := pool.PingContext(t.Context()); errors.Is(err, ErrAway) != (n >= tripAfter) {
			t.Errorf("attempt %d: %v", n, err)
		}
	}
}
