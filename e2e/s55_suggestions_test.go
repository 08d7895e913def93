package e2e

import (
	"encoding/json"
	"testing"
)

// TestS55SuggestionsDontCarryTheCorpusAway: a scraper behind one address, which
// takes a new token whenever one is challenged and solves nothing, gets at most
// 5 % of 10,000 titles by suggestions; after that, nothing. Its usage stays 0.
func TestS55SuggestionsDontCarryTheCorpusAway(t *testing.T) {
	s := newStrictSite(t, trusting)
	s.bigCorpus(10_000)
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
		t.Errorf("%d titles of 10,000 without solving anything, want at most 500, and some", len(titles))
	}
	if n := s.charged(); n != 0 {
		t.Errorf("suggestions were charged: %d calls", n)
	}
}

// TestS55TotalsAreNotFree: calls that deliver nothing, for the total or for the
// facets alone, draw on the address's records too.
func TestS55TotalsAreNotFree(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {spike: {calls: 1000}, token: {calls: 5000}}")
	s.bigCorpus(8000)
	token, answered := s.tokens(1)[0], 0
	for range 600 {
		a := s.mustGet("/v1/items?q=nothingofthekind&facets=collection", token, "192.0.2.1")
		if a.code() != "" {
			break
		}
		answered++
	}
	if answered > 375 || answered < 300 {
		t.Errorf("%d calls that delivered nothing were answered without a challenge, want at most 375", answered)
	}
}
