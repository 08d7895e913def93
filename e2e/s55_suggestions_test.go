package e2e

import (
	"encoding/json"
	"testing"
)

// TestS55SuggestionsRevealFewTitles: a scraper at one address solves nothing, and uses a new token
// whenever one is challenged. By suggestions it gets at most 5 % of 10,000 titles. Nothing is
// charged.
func TestS55SuggestionsRevealFewTitles(t *testing.T) {
	s := newStrictServer(t, trusting)
	s.importLarge(10_000)
	titles, tokens := map[string]bool{}, s.tokens(60)
	const from = "192.0.2.1"
	for n, used := 0, 0; n < 3000 && used < len(tokens); n++ {
		q := words[n%len(words)] + " " + []string{"ba", "de", "fi", "go"}[n/len(words)%4]
		a := s.mustGet("/v1/suggest?q="+params("", q)[1:], tokens[used], from)
		if a.code() != "" {
			used++
			continue
		}
		var found []struct{ ID string }
		s.must(json.Unmarshal(a.Data, &found))
		for _, f := range found {
			titles[f.ID] = true
		}
	}
	t.Logf("%d titles of 10,000", len(titles))
	if len(titles) > 500 || len(titles) < 100 {
		t.Errorf("%d titles of 10,000 without a solved challenge, want 100 to 500", len(titles))
	}
	if n := s.charged(); n != 0 {
		t.Errorf("suggestions were charged: %d calls", n)
	}
}

// TestS55TotalsCountAsRecords: calls that deliver no item, only a total or facets, count in the
// address's records too.
func TestS55TotalsCountAsRecords(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {spike: {calls: 1000}, token: {calls: 5000}}")
	s.importLarge(8000)
	token, admitted := s.tokens(1)[0], 0
	for range 600 {
		a := s.mustGet("/v1/items?q=nothingofthekind&facets=collection", token, "192.0.2.1")
		if a.code() != "" {
			break
		}
		admitted++
	}
	if admitted > 375 || admitted < 300 {
		t.Errorf("%d calls that delivered no item were admitted without a challenge, want 300 to 375", admitted)
	}
}
