package breaker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"stile.example/stile/store/breaker"
)

// TestOneReport: an outage is a warning and an error, however many notice it, and one line when it
// is over. Whatever else is wrong is logged too.
func TestOneReport(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(breaker.Quiet(slog.NewTextHandler(&out, nil))).With("node", "n1")
	r := breaker.NewReport("state", log)
	parts := []*breaker.Breaker{breaker.New(breaker.Options{Report: r, Trip: 2, Open: 1}), breaker.New(breaker.Options{Report: r, Trip: 2, Open: 1})}
	refused := errors.New("connection refused")
	for _, b := range parts {
		for range 2 {
			leave, err := b.Enter()
			if err != nil {
				t.Fatal(err)
			}
			err = fmt.Errorf("store: %w", leave(breaker.Silent, refused))
			if !breaker.IsOutage(err) || !errors.Is(err, refused) {
				t.Errorf("%v is not an outage", err)
			}
			log.Error("can't store", "err", err)
		}
	}
	away := breaker.Outage(breaker.ErrOpen)
	full := errors.New("the disk is full")
	log.Error("can't store", "err", fmt.Errorf("%w: %w", errors.New("not asked"), away))
	log.Error("can't store", "err", errors.Join(away, away))
	log.Error("can't store or write", "err", errors.Join(away, full))
	for range 3 {
		log.Error("waited", "err", fmt.Errorf("read: %w", context.DeadlineExceeded))
		log.Error("an issuer is late", "err", &url.Error{Op: "Get", URL: "https://issuer.example", Err: context.DeadlineExceeded})
	}
	for _, b := range parts {
		end(t, b, breaker.Responded)
	}
	for line, want := range map[string]int{
		`level=WARN msg="a request to an engine failed" node=n1 engine=state err="connection refused"`:                                          1,
		`level=ERROR msg="an engine does not respond; requests to it fail at once until it does" node=n1 engine=state err="connection refused"`: 1,
		`level=INFO msg="an engine responds again" node=n1 engine=state`:                                                                        1,
		`msg="can't store" `: 0, `msg="can't store or write"`: 1, "msg=waited": 1, `msg="an issuer is late"`: 3,
	} {
		if got := strings.Count(out.String(), line); got != want {
			t.Errorf("%d times, want %d: %s", got, want, line)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
