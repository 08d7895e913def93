package handlers

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// TestOutdated checks that a server that may not know who is blocked refuses all calls, as a fault.
func TestOutdated(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	s.Outdated = func() error { return errors.New("PostgreSQL has not responded for 16 minutes") }
	for _, path := range []string{itemsPath, "/v1/token", "/v1/suggest?q=a"} {
		if rec := s.get(path, token); rec.Code != 503 || !strings.Contains(rec.Body.String(), `"overloaded"`) || strings.Contains(rec.Body.String(), "PostgreSQL") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	s.Outdated = func() error { return nil }
	if rec := s.get(itemsPath, token); rec.Code != 200 {
		t.Errorf("afterwards: %d %s", rec.Code, rec.Body)
	}
}

// silent is a store that loses its replies.
type silent struct{ *memory }

func (s silent) Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	return errors.Join(s.memory.Update(ctx, id, fn), tokens.ErrUnknown)
}

// TestUnknownCall checks that a call that may have been counted is a fault, and uses a call of the
// tenant's quota: otherwise a month could end above it.
func TestUnknownCall(t *testing.T) {
	s := newSite(t)
	s.change(func(t *tenants.Tenant) { t.CallsPerMonth = 2 })
	token := s.mint()
	if rec := s.get(itemsPath, token); rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	s.Gate.Store = silent{s.tokens}
	if rec := s.get(itemsPath, token); rec.Code != 503 || !strings.Contains(rec.Body.String(), `"overloaded"`) {
		t.Errorf("an unknown call: %d %s", rec.Code, rec.Body)
	}
	s.Gate.Store = s.tokens
	if rec := s.get(itemsPath, token); !strings.Contains(rec.Body.String(), `"tenant_exhausted"`) {
		t.Errorf("a third call: %d %s", rec.Code, rec.Body)
	}
}

// TestLateAttemptCounts checks that a call counts in the spike window whose query took all the time
// of the request, and that its refusal says so.
func TestLateAttemptCounts(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	s.get(itemsPath, token)
	r := s.acquireRequest(httptest.NewRecorder(), httptest.NewRequest("GET", with(itemsPath, "client_id", "acme", "access_token", token), nil), "")
	s.must(s.authorize(r))
	late, cancel := context.WithCancel(t.Context())
	cancel()
	before := s.tokens.states[r.claims.ID].Calls.Count
	if err := s.attempt(late, r, tokens.Attempt{Call: r.event(tokens.Items, 0)}, errDisk); err != errDisk {
		t.Error(err)
	}
	if after := s.tokens.states[r.claims.ID].Calls.Count; after != before+1 {
		t.Errorf("%d in the window, and %d before", after, before)
	}
}
